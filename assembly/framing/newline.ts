// Lines: where one ends. Sixteen bytes at a time.

export const NEWLINE: u8 = 0x0a
export const CARRIAGE_RETURN: u8 = 0x0d

/** Address of the first newline in `from` to `end`, or `end`. */
export function findNewline(from: usize, end: usize): usize {
  const newlines = v128.splat<u8>(NEWLINE)
  let at = from
  while (at + 16 <= end) {
    const found = v128.bitmask<u8>(v128.eq<u8>(v128.load(at), newlines))
    if (found != 0) return at + ctz(found)
    at += 16
  }
  while (at < end && load<u8>(at) != NEWLINE) at++
  return at
}
