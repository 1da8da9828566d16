// The header of a packet and of a fragment, as `reliable` has them. docs/wire.md has the bytes.

/** Longest header of a packet, and of fragment 0 with a packet's header in it. */
export const LONGEST_HEADER: u32 = 9
export const FRAGMENT_HEADER: u32 = 5

/** What a header says, in memory of the caller's. */
export const HEADER_SEQUENCE_OFFSET: usize = 0 // u32
export const HEADER_ACK_OFFSET: usize = 4 //      u32
export const HEADER_BITS_OFFSET: usize = 8 //     u32
export const HEADER_BYTES: usize = 16

const ACK_IS_SHORT: u32 = 32
const NOT_USED: u32 = 0xc0

@inline export function isFragment(at: usize): bool { return (load<u8>(at) & 1) != 0 }

/** Reads into `header`; answers how long it was, or 0: not one. */
export function readHeader(at: usize, bytes: u32, header: usize): u32 {
  if (bytes < 4) return 0
  const prefix = <u32>load<u8>(at)
  if ((prefix & (NOT_USED | 1)) != 0) return 0
  const isShort = (prefix & ACK_IS_SHORT) != 0
  const length: u32 = (isShort ? 4 : 5) + popcnt(prefix & 0x1e)
  if (length > bytes) return 0
  const sequence = <u32>load<u16>(at, 1)
  store<u32>(header + HEADER_SEQUENCE_OFFSET, sequence)
  const ack = isShort ? (sequence - <u32>load<u8>(at, 3)) & 0xffff : <u32>load<u16>(at, 3)
  store<u32>(header + HEADER_ACK_OFFSET, ack)
  let next = at + (isShort ? 4 : 5)
  let bits: u32 = 0xffffffff
  for (let byte: u32 = 0; byte < 4; byte++) {
    if ((prefix & (2 << byte)) == 0) continue
    bits = (bits & ~(<u32>0xff << (byte << 3))) | (<u32>load<u8>(next) << (byte << 3))
    next++
  }
  store<u32>(header + HEADER_BITS_OFFSET, bits)
  return length
}

/** Answers how long it is. */
export function writeHeader(at: usize, sequence: u32, ack: u32, bits: u32): u32 {
  let prefix: u32 = 0
  let next = at + 5
  const distance = (sequence - ack) & 0xffff
  if (distance <= 255) {
    prefix |= ACK_IS_SHORT
    store<u8>(at, <u8>distance, 3)
    next--
  } else {
    store<u16>(at, <u16>ack, 3)
  }
  for (let byte: u32 = 0; byte < 4; byte++) {
    const eight = (bits >> (byte << 3)) & 0xff
    if (eight == 0xff) continue
    prefix |= 2 << byte
    store<u8>(next, <u8>eight)
    next++
  }
  store<u8>(at, <u8>prefix)
  store<u16>(at, <u16>sequence, 1)
  return <u32>(next - at)
}

/** The fragment's own header; of fragment 0 the packet's follows. */
export function writeFragmentHeader(at: usize, sequence: u32, index: u32, count: u32): void {
  store<u8>(at, 1)
  store<u16>(at, <u16>sequence, 1)
  store<u8>(at, <u8>index, 3)
  store<u8>(at, <u8>(count - 1), 4)
}
