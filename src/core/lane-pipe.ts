// TEMPORARY until the merge
import { type GudpCore, gudpCoreOf } from './gudp-core.ts'
import type { ConnectionHandle } from './packet-machine.ts'
import type { Region } from './region.ts'
import { waitAsync } from './wait-async.ts'

export class LanePipe {
  #r: Region
  #c: GudpCore
  #a: number
  #g: number
  #l: number
  #gone = false
  constructor(region: Region, handle: ConnectionHandle, lane: number) {
    this.#r = region
    this.#c = gudpCoreOf(region)
    this.#a = handle.address
    this.#g = handle.generation
    this.#l = lane
  }
  get longest(): number {
    return this.#r.i32[
      (this.#a +
        this.#c.layout.FIRST_LANE_OFFSET +
        this.#l * this.#c.layout.LANE_BYTES +
        this.#c.layout.LONGEST_OFFSET) >>
        2
    ]!
  }
  #span(): number {
    return (
      this.#r.mailAddress +
      ((this.#c.layout.MAILBOX_SPAN_OFFSET - this.#c.layout.MAILBOX_ADDRESS_OFFSET) >> 2)
    )
  }
  trySend(data: Uint8Array | string): boolean {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
    const code = this.#c.abi.laneClaim(this.#a, this.#g, this.#l, this.#r.token, bytes.length)
    if (code < 0) {
      if (code === this.#c.layout.OVERSIZE) throw new Error('oversize')
      return false
    }
    const s = this.#span(),
      w = this.#r.i32
    const first = Math.min(bytes.length, w[s + 1]!)
    this.#r.u8.set(bytes.subarray(0, first), w[s]!)
    if (first < bytes.length) this.#r.u8.set(bytes.subarray(first), w[s + 2]!)
    this.#c.abi.laneCommit(this.#a, this.#g, this.#l, this.#r.token, bytes.length)
    return true
  }
  receive(): Uint8Array | undefined {
    if (this.#gone) return undefined
    const n = this.#c.abi.laneTake(this.#a, this.#g, this.#l, this.#r.token)
    if (n < 0) return undefined
    const s = this.#span(),
      w = this.#r.i32
    const out = new Uint8Array(n)
    const first = Math.min(n, w[s + 1]!)
    out.set(this.#r.u8.subarray(w[s]!, w[s]! + first))
    if (first < n) out.set(this.#r.u8.subarray(w[s + 2]!, w[s + 2]! + n - first), first)
    this.#c.abi.laneTaken(this.#a, this.#g, this.#l, this.#r.token)
    return out
  }
  async receiveAsync(ms: number, _signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const until = performance.now() + ms
    for (;;) {
      const got = this.receive()
      if (got !== undefined || this.#gone) return got
      if (this.#c.abi.connectionIsOver(this.#a, this.#g) !== 0) return this.receive()
      if (performance.now() >= until) return undefined
      await new Promise((r) => setTimeout(r, 1))
    }
  }
  receiveSync(ms: number): Uint8Array | undefined {
    void ms
    return this.receive()
  }
  async sendAsync(b: Uint8Array | string, ms: number, _s?: AbortSignal): Promise<boolean> {
    const until = performance.now() + ms
    while (!this.trySend(b)) {
      if (performance.now() > until) return false
      await new Promise((r) => setTimeout(r, 1))
    }
    return true
  }
  sendSync(b: Uint8Array | string, _ms: number): boolean {
    return this.trySend(b)
  }
  async drained(ms: number): Promise<boolean> {
    const until = performance.now() + ms
    while (
      this.#c.abi.laneOutHead(this.#a, this.#g, this.#l) !==
      this.#c.abi.laneOutTail(this.#a, this.#g, this.#l)
    ) {
      if (performance.now() > until) return false
      await new Promise((r) => setTimeout(r, 1))
    }
    return true
  }
  drainedSync(_ms: number): boolean {
    return true
  }
  async over(): Promise<void> {
    while (this.#c.abi.connectionIsOver(this.#a, this.#g) === 0) await new Promise((r) => setTimeout(r, 1))
  }
  abandon(): void {
    this.#gone = true
    void waitAsync
  }
}
