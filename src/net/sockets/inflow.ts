import type { Channel } from '../../core/channel.ts'
import { joined } from '../joined.ts'
import { errnoOf } from './codes.ts'

/** What the bytes come from. */
export interface Source {
  pause(): void
  resume(): void
}

/**
 * From the peer into the ring. Where the runtime can read into memory that it is given, it reads into the ring itself (`room`, `took`);
 * else what it has read is copied (`receive`). When there is little room left the source is paused, and it goes on when the ring
 * is half empty. What was read before the pause was heard of is kept here, and it is all that is.
 */
export class Inflow {
  readonly #channel: Channel
  #source: Source | undefined
  #rest: Uint8Array | undefined
  #isFull = false
  #isDiscarding = false
  #hasEnded = false
  #failure: string | undefined

  constructor(channel: Channel) {
    this.#channel = channel
  }

  /** Whether it has to be told when there is room. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Whether there is something that is not in the ring yet. */
  get hasRest(): boolean {
    return this.#rest !== undefined
  }

  start(source: Source): void {
    this.#source = source
    source.resume()
  }

  /**
   * Where the next bytes are to be read to; while it is full, where they will be when there is half of it. What is thrown away goes
   * there, too: nobody reads it.
   */
  room(): Uint8Array {
    const space = this.#channel.space()
    return this.#channel.freeView(this.#isFull || this.#isDiscarding ? this.#channel.outBytes >> 1 : space)
  }

  /** So many bytes have been read to there. Answers whether to go on. */
  took(bytes: number): boolean {
    if (this.#isDiscarding) return true
    this.#channel.committed(bytes)
    this.#isFull = this.#channel.space() < this.#channel.outBytes >> 2
    return !this.#isFull
  }

  /** Bytes that were read to elsewhere. */
  receive(bytes: Uint8Array): void {
    if (this.#isDiscarding) return
    if (this.#rest === undefined) {
      const written = this.#write(bytes)
      if (written === bytes.length) return
      this.#rest = bytes.slice(written)
    } else this.#rest = joined([this.#rest, bytes]) // read before the pause was heard of
    this.#isFull = true
    this.#source?.pause()
  }

  /** There may be room again. */
  goOn(): void {
    if (!this.#isFull || !this.#channel.hasHalf()) return
    if (this.#rest !== undefined) {
      const written = this.#write(this.#rest)
      this.#rest = written === this.#rest.length ? undefined : this.#rest.subarray(written)
      if (this.#rest !== undefined) return
    }
    this.#isFull = false
    this.#tellEnds()
    if (!this.#hasEnded && this.#failure === undefined) this.#source?.resume()
  }

  /** The peer sends no more. */
  end(): void {
    this.#hasEnded = true
    this.#tellEnds()
  }

  fail(code: string): void {
    this.#failure ??= code
    this.#tellEnds()
  }

  /** Whatever comes is thrown away. */
  discard(): void {
    this.#isDiscarding = true
    this.#rest = undefined
    this.#isFull = false
    this.#tellEnds()
    this.#source?.resume()
  }

  /** The ends come after all that came before them. */
  #tellEnds(): void {
    if (this.#rest !== undefined) return
    if (this.#hasEnded) this.#channel.serverSays(this.#channel.layout.SERVER_ENDED)
    if (this.#failure !== undefined) this.#channel.serverFails(errnoOf(this.#failure))
  }

  /** As many as there is room for. */
  #write(bytes: Uint8Array): number {
    const count = Math.min(this.#channel.space(), bytes.length)
    if (count < 0) throw new Error('the cursors of the ring make no sense')
    if (count > 0) this.#channel.write(bytes, 0, count)
    return count
  }
}
