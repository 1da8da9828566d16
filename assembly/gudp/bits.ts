// A ring of bits, one for each unit of a stream's ring: which stretches are there. Not a power of two, so positions are reckoned
// by remainder; that is once a packet.

/** Sets `count` bits from the unit `from` on. */
export function setBits(bits: usize, units: u32, from: u64, count: u32): void {
  let at = <u32>(from % units)
  while (count > 0) {
    const bit = at & 63
    const run = min<u32>(min<u32>(count, 64 - bit), units - at)
    const mask = run == 64 ? u64.MAX_VALUE : ((<u64>1 << run) - 1) << bit
    const word = bits + (<usize>(at >> 6) << 3)
    store<u64>(word, load<u64>(word) | mask)
    count -= run
    at += run
    if (at == units) at = 0
  }
}

/** Takes the bits that are set from the unit `from` on, up to the first that is not; answers how many they were. */
export function takeBits(bits: usize, units: u32, from: u64, most: u64): u32 {
  let at = <u32>(from % units)
  let taken: u32 = 0
  while (<u64>taken < most) {
    const bit = at & 63
    const word = bits + (<usize>(at >> 6) << 3)
    const value = load<u64>(word)
    const room = min<u32>(64 - bit, units - at)
    const ones = min(<u32>ctz(~(value >> bit)), room)
    if (ones == 0) break
    const mask = ones == 64 ? u64.MAX_VALUE : ((<u64>1 << ones) - 1) << bit
    store<u64>(word, value & ~mask)
    taken += ones
    at += ones
    if (at == units) at = 0
    if (ones < room) break
  }
  return taken
}
