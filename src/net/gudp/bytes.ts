/**
 * 64 random bits as they are on the wire: two signed words, which every engine keeps without a heap object. They are only ever
 * compared and looked up, never counted with.
 */
export interface U64 {
  readonly lo: number
  readonly hi: number
}

export const isSame = (a: U64, b: U64): boolean => a.lo === b.lo && a.hi === b.hi

export function u16At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

/** Signed: the same bits. */
export function i32At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

export function u64At(bytes: Uint8Array, at: number): U64 {
  return { lo: i32At(bytes, at), hi: i32At(bytes, at + 4) }
}

export function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >> 8
}

export function setI32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >> 8
  bytes[at + 2] = value >> 16
  bytes[at + 3] = value >> 24
}

export function setU64(bytes: Uint8Array, at: number, value: U64): void {
  setI32(bytes, at, value.lo)
  setI32(bytes, at + 4, value.hi)
}

/** Of what is no secret; secrets are compared by the port's `timingSafeEqual`. */
export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
