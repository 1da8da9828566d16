import { brotliDecompressSync, inflateSync } from 'node:zlib'
import type { Inflate } from '../ports.ts'

/** Of what came from the network: it stops at the limit, however much would follow. */
export const inflate: Inflate = (codec, bytes, limit) => {
  const decompress = codec === 'deflate' ? inflateSync : brotliDecompressSync
  try {
    return decompress(bytes, { maxOutputLength: limit })
  } catch {
    return undefined
  }
}
