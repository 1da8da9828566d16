import type { Readable } from 'node:stream'
import { addAbortSignal } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { LineCutter } from '../../node/line-cutter.ts'
import type { RingPace } from '../../node/ring-pace.ts'
import { untilAborted } from '../interrupt.ts'
import type { RateLimit } from './rate-limit.ts'

export interface LineWriter {
  write(line: Uint8Array): boolean
}

/** What the lines are held up by, if by anything. */
export interface Brakes {
  readonly pace?: RingPace | undefined
  readonly limit?: RateLimit | undefined
}

/**
 * Writes every line of the input, until it ends or `signal` is aborted: what has been read by then and not written is not accepted.
 * Rejects when the input can't be read.
 */
export async function writeLines(
  input: Readable,
  writer: LineWriter,
  { pace, limit }: Brakes,
  signal: AbortSignal,
): Promise<void> {
  const writeAll = async (lines: Iterable<Uint8Array>) => {
    for (const line of lines) {
      if (pace?.hasRoomFor(line.length) === false) await untilAborted(pace.turn(line.length), signal)
      if (signal.aborted) return
      writer.write(line)
      const wait = limit?.take(performance.now()) ?? 0
      if (wait > 0) await sleep(wait, undefined, { signal })
    }
  }
  const cutter = new LineCutter()
  try {
    for await (const chunk of addAbortSignal(signal, input)) await writeAll(cutter.cut(chunk))
    await writeAll(cutter.rest())
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
