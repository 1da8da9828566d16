// A bounded buffer before a network that is slower than the page. `write` never waits, and never fails because of it.
import { OneToOne, Waiter } from 'spillway'

const CAPACITY = 500
const BATCH = 200
/** A beacon takes 64 KiB; one more event of 256 bytes on average is within it. */
const MOST_BYTES = 60_000
const AFTER_FAILURE_MS = 1000

export class Outbox {
  sent = 0
  failed = 0
  inFlight = 0
  batches = 0
  alerted = 0
  readonly ring: OneToOne = new OneToOne(CAPACITY, (missed) => {
    this.alerted += missed
  })
  readonly #waiter = new Waiter(this.ring)
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  write(event: object): void {
    this.ring.set(JSON.stringify(event))
  }

  /** One batch at a time: while it is on its way the ring fills, and drops its oldest. */
  async run(): Promise<void> {
    for await (const first of this.#waiter) {
      const { body, count } = this.#batch(first)
      this.inFlight += count
      const isTaken = await this.#post(body)
      this.inFlight -= count
      this.#count(isTaken, count)
      if (!isTaken) await new Promise((resolve) => setTimeout(resolve, AFTER_FAILURE_MS))
    }
  }

  /** As the page goes: what a beacon takes. The rest goes with the page. */
  sendRest(): void {
    const first = this.ring.tryNext()
    if (first === undefined) return
    const { body, count } = this.#batch(first)
    this.#count(navigator.sendBeacon(this.#url, body), count)
  }

  #count(isTaken: boolean, count: number): void {
    this.batches++
    if (isTaken) this.sent += count
    else this.failed += count
  }

  #batch(first: Uint8Array<ArrayBuffer>): { body: Blob; count: number } {
    const parts: BlobPart[] = []
    let count = 0
    let bytes = 0
    let record: Uint8Array<ArrayBuffer> | undefined = first
    while (record !== undefined) {
      parts.push(record, '\n')
      bytes += record.length + 1
      record = ++count < BATCH && bytes < MOST_BYTES ? this.ring.tryNext() : undefined
    }
    return { body: new Blob(parts, { type: 'application/x-ndjson' }), count }
  }

  async #post(body: Blob): Promise<boolean> {
    try {
      return (await fetch(this.#url, { method: 'POST', body })).ok
    } catch {
      return false
    }
  }
}
