import { type FileHandle, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Message } from './message.ts'
import { Waiters } from './waiters.ts'

export interface SpoolOptions {
  readonly dir: string
  readonly maxBytes: number
}

/** A file that has so many bytes is followed by another. */
const SEGMENT_BYTES = 4 * 2 ** 20
const NAME = /^spool-(\d{12})$/
const NEWLINE = 0x0a

interface Segment {
  readonly path: string
  bytes: number
  lines: number
}

/**
 * Messages in a folder of files, oldest first, for as long as nobody takes them: a file is deleted when all of it is stored. A record is a line of JSON (id, subject,
 * bytes, lines), and then so many bytes.
 *
 *   read ─▶ │ spool-000000000007 │ spool-000000000008 │ spool-000000000009 │ ◀─ appended to
 */
export class Spool {
  readonly #options: SpoolOptions
  readonly #segments: Segment[] = []
  #file: FileHandle | undefined
  #number = 0
  #bytes = 0
  readonly #whenChanged = new Waiters()
  /** Lines in it that are not known to be stored. */
  lines = 0

  private constructor(options: SpoolOptions) {
    this.#options = options
  }

  /** With what the run before has left. */
  static async open(options: SpoolOptions): Promise<Spool> {
    await mkdir(options.dir, { recursive: true })
    const spool = new Spool(options)
    for (const name of (await readdir(options.dir)).sort()) {
      const [, number] = NAME.exec(name) ?? []
      if (number === undefined) continue
      const path = join(options.dir, name)
      const messages = readMessages(await readFile(path))
      const lines = linesOf(messages)
      const bytes = messages.reduce((sum, message) => sum + recordOf(message).length, 0)
      spool.#number = Number(number)
      spool.#bytes += bytes
      spool.lines += lines
      spool.#segments.push({ path, bytes, lines })
    }
    return spool
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0
  }

  get bytes(): number {
    return this.#bytes
  }

  /** As many as there is room for, from the first on. Answers how many. */
  async append(messages: readonly Message[]): Promise<number> {
    const records: Uint8Array[] = []
    let bytes = 0
    for (const message of messages) {
      const record = recordOf(message)
      if (this.#bytes + bytes + record.length > this.#options.maxBytes) break
      records.push(record)
      bytes += record.length
    }
    if (records.length === 0) return 0
    this.#file ??= await this.#begin()
    await writeAll(this.#file, Buffer.concat(records))
    const lines = linesOf(messages.slice(0, records.length))
    const segment = this.#segments.at(-1)!
    segment.bytes += bytes
    segment.lines += lines
    this.#bytes += bytes
    this.lines += lines
    if (segment.bytes >= SEGMENT_BYTES) await this.#end()
    this.#whenChanged.wake()
    return records.length
  }

  /** What the oldest file has. Nothing is appended to it any more. */
  async oldest(): Promise<readonly Message[]> {
    if (this.#segments.length === 1) await this.#end()
    return readMessages(await readFile(this.#segments[0]!.path))
  }

  /** All of the oldest file is stored. */
  async dropOldest(): Promise<void> {
    const { path, bytes } = this.#segments.shift()!
    this.#bytes -= bytes
    await rm(path, { force: true })
    this.#whenChanged.wake()
  }

  /** Resolves when something was appended or dropped. */
  changed(signal: AbortSignal): Promise<void> {
    return this.#whenChanged.wait(signal)
  }

  /** What is in it stays, for the next run. */
  async close(): Promise<void> {
    await this.#end()
  }

  async #begin(): Promise<FileHandle> {
    const path = join(this.#options.dir, `spool-${String(++this.#number).padStart(12, '0')}`)
    const file = await open(path, 'wx')
    this.#segments.push({ path, bytes: 0, lines: 0 })
    return file
  }

  async #end(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.datasync()
    await file?.close()
  }
}

export function linesOf(messages: readonly Message[]): number {
  return messages.reduce((sum, { lines }) => sum + lines, 0)
}

function recordOf({ id, subject, payload, lines }: Message): Uint8Array {
  const head = Buffer.from(`${JSON.stringify({ id, subject, bytes: payload.length, lines })}\n`)
  return Buffer.concat([head, payload])
}

/** The whole ones: a program that was killed may have left half of the last. */
function readMessages(bytes: Uint8Array): Message[] {
  const messages: Message[] = []
  for (let at = 0; ; ) {
    const newline = bytes.indexOf(NEWLINE, at)
    const head = newline < 0 ? undefined : headIn(Buffer.from(bytes.subarray(at, newline)).toString())
    if (head === undefined || newline + 1 + head.bytes > bytes.length) return messages
    at = newline + 1 + head.bytes
    messages.push({
      id: head.id,
      subject: head.subject,
      lines: head.lines,
      payload: bytes.subarray(newline + 1, at),
    })
  }
}

interface Head {
  readonly id: string
  readonly subject: string
  readonly bytes: number
  readonly lines: number
}

function headIn(text: string): Head | undefined {
  try {
    const head = JSON.parse(text) as Head
    const isWhole = typeof head.id === 'string' && typeof head.subject === 'string'
    return isWhole && head.bytes >= 0 && head.lines > 0 ? head : undefined
  } catch {
    return undefined
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let from = 0; from < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, from, bytes.length - from)
    from += bytesWritten
  }
}
