// What goes through connections: a pattern in which a piece that is missing, doubled or out of turn shows.
import { once } from 'node:events'

/** Bytes of one call. */
export const CALL_BYTES = 65536

/** Every so many bytes stands a mark: its number, modulo a prime. */
const STRIDE = 4096
const MARKS = 251
const PERIOD = STRIDE * MARKS
const pattern = makePattern()

function makePattern() {
  const bytes = Buffer.alloc(PERIOD + CALL_BYTES, 0x61)
  for (let at = 0; at < bytes.length; at += STRIDE) bytes[at] = (at / STRIDE) % MARKS
  return bytes
}

/** What is sent at that position of a stream, a multiple of `CALL_BYTES`. */
export function pieceAt(position) {
  const from = position % PERIOD
  return pattern.subarray(from, from + CALL_BYTES)
}

/** Takes a stream as it comes, in pieces of any length. */
export class StreamCheck {
  bytes = 0
  isBroken = false

  take(piece) {
    let at = (STRIDE - (this.bytes % STRIDE)) % STRIDE
    for (let mark = (this.bytes + at) / STRIDE; at < piece.length; at += STRIDE, mark++)
      if (piece[at] !== mark % MARKS) this.isBroken = true
    this.bytes += piece.length
  }

  /** Throws unless just so many bytes came, whole. */
  result(bytes) {
    if (this.isBroken || this.bytes !== bytes)
      throw new Error(`${this.bytes} of ${bytes} bytes came, ${this.isBroken ? 'torn' : 'whole'}`)
  }
}

/** So many bytes into a connection of `node:net`, as its users write: on after `'drain'`. Then its end. */
export async function writeStream(socket, bytes) {
  for (let at = 0; at < bytes; at += CALL_BYTES) if (!socket.write(pieceAt(at))) await once(socket, 'drain')
  socket.end()
}

/** A number as it goes through a connection. */
export function bytesOfNumber(number) {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(number)
  return bytes
}

export function numberOfBytes(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, 8).readDoubleLE()
}
