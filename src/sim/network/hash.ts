/** FNV-1a, 32 bits: begin with `FNV_START` and pass on what you are given. */
export const FNV_START = 0x811c9dc5

const PRIME = 0x01000193

export function fnvBytes(hash: number, bytes: Uint8Array): number {
  let h = hash
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ bytes[i]!, PRIME)
  return h >>> 0
}

/** For ASCII: of each character the low 8 bits. */
export function fnvText(hash: number, text: string): number {
  let h = hash
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ (text.charCodeAt(i) & 0xff), PRIME)
  return h >>> 0
}

/** 32 bits, the lowest byte first. */
export function fnvWord(hash: number, word: number): number {
  let h = hash
  for (let shift = 0; shift < 32; shift += 8) h = Math.imul(h ^ ((word >>> shift) & 0xff), PRIME)
  return h >>> 0
}

const double = new DataView(new ArrayBuffer(8))

/** The 64 bits of a double. */
export function fnvDouble(hash: number, value: number): number {
  double.setFloat64(0, value)
  return fnvWord(fnvWord(hash, double.getUint32(4)), double.getUint32(0))
}
