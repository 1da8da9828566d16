// Bytes of a lane's ring: a position's place, and copies that run over the end of the data to its start.

/** From memory into the ring at `position`. */
export function copyIn(data: usize, bytes: u32, position: u64, from: usize, count: u32): void {
  const at = <u32>(position % bytes)
  const first = min(count, bytes - at)
  memory.copy(data + at, from, first)
  if (first < count) memory.copy(data, from + first, count - first)
}

/** Out of the ring. */
export function copyOut(data: usize, bytes: u32, position: u64, to: usize, count: u32): void {
  const at = <u32>(position % bytes)
  const first = min(count, bytes - at)
  memory.copy(to, data + at, first)
  if (first < count) memory.copy(to + first, data, count - first)
}

/** The length word of the record at `position`: it never runs over the end, for records begin at multiples of 8. */
@inline export function lengthAt(data: usize, bytes: u32, position: u64): u32 {
  return load<u32>(data + <u32>(position % bytes))
}
