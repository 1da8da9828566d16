import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { HEARTBEAT_PREFIX, readHeartbeat } from '../../net/wire-lines.ts'
import { LineCutter } from '../../node/line-cutter.ts'

/** What a file holds of the events of some threads, and what the heartbeats among them say is missing. */
export interface Delivered {
  /** Whole lines, each event once. */
  readonly events: number
  /** Lines of events that were there already. */
  readonly doubled: number
  /** Lines that are no event of these threads, or not a whole one. */
  readonly foreign: number
  /** Sent before the file's last heartbeat, and not in the file. */
  readonly missing: number
  /** The part of them that went missing around the end of a part of the file: before the first heartbeat behind it. */
  readonly missingBetween: number
}

const CHUNK_BYTES = 2 ** 20

/**
 * Reads the file line by line, and holds each event's thread and number against what the threads have offered. `secondFrom` is
 * where a second receiver began to write, if there was one.
 */
export async function readDelivered(
  path: string,
  offered: readonly number[],
  secondFrom = Number.POSITIVE_INFINITY,
): Promise<Delivered> {
  const tally = new Tally(offered, secondFrom)
  const cutter = new LineCutter()
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    for (const line of cutter.cut(chunk as Buffer)) tally.add(line as Buffer)
  }
  for (const line of cutter.rest()) tally.add(line as Buffer)
  return tally
}

/** Cuts off what a killed process had half written; answers how long the file is then. */
export async function cutTornLine(path: string): Promise<number> {
  const file = await open(path, 'r+')
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - CHUNK_BYTES)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from)
    const end = from + buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1
    await file.truncate(end)
    return end
  } finally {
    await file.close()
  }
}

const NEWLINE = 0x0a
const BRACE = 0x7d
const DASH = 0x2d
const QUOTE = 0x22
const ID = Buffer.from('"exec_id":"')
const HEARTBEAT = Buffer.from(HEARTBEAT_PREFIX)

class Tally implements Delivered {
  events = 0
  doubled = 0
  foreign = 0
  missing = 0
  missingBetween = 0
  readonly #seen: readonly Uint8Array[]
  readonly #secondFrom: number
  /** By the latest heartbeat of each of the exporter's sockets: lines sent. */
  readonly #sent = new Map<number, number>()
  #position = 0
  #isSecond = false

  constructor(offered: readonly number[], secondFrom: number) {
    this.#seen = offered.map((count) => new Uint8Array(count))
    this.#secondFrom = secondFrom
  }

  add(line: Buffer): void {
    if (line.subarray(0, HEARTBEAT.length).equals(HEARTBEAT)) this.#heartbeat(line)
    else this.#event(line)
    this.#position += line.length
  }

  #event(line: Buffer): void {
    const place = this.#placeOf(line)
    if (place === undefined) this.foreign++
    else if (place.seen[place.number] === 1) this.doubled++
    else {
      place.seen[place.number] = 1
      this.events++
    }
  }

  #heartbeat(line: Buffer): void {
    const beat = readHeartbeat(line)
    if (beat === undefined) {
      this.foreign++
      return
    }
    this.#sent.set(beat.flow, beat.lines)
    let sent = 0
    for (const lines of this.#sent.values()) sent += lines
    const missing = sent - this.events - this.doubled
    if (!this.#isSecond && this.#position >= this.#secondFrom) {
      this.#isSecond = true
      this.missingBetween = missing - this.missing
    }
    this.missing = missing
  }

  #placeOf(line: Buffer): { seen: Uint8Array; number: number } | undefined {
    if (line.at(-1) !== NEWLINE || line.at(-2) !== BRACE) return undefined
    const at = line.indexOf(ID)
    // Two in one line: one that broke off, and the next glued to it.
    if (at < 0 || line.indexOf(ID, at + 1) >= 0) return undefined
    const thread = readDigits(line, at + ID.length, DASH)
    const number = readDigits(line, thread.end, QUOTE)
    const seen = this.#seen[thread.value]
    return seen !== undefined && number.value < seen.length ? { seen, number: number.value } : undefined
  }
}

/** A number and where what follows `terminator` begins; NaN where it is none. */
function readDigits(line: Buffer, from: number, terminator: number): { value: number; end: number } {
  let value = 0
  let at = from
  for (; line[at] !== terminator; at++) {
    const digit = line[at]! - 0x30
    if (!(digit >= 0 && digit <= 9)) return { value: Number.NaN, end: at }
    value = value * 10 + digit
  }
  return { value: at === from ? Number.NaN : value, end: at + 1 }
}
