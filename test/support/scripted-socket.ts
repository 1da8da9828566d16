import type { DatagramSocket, Sent } from '../../src/ports.ts'

/** What a socket answers for a datagram: nothing (taken), a code, or `'never'`. */
export type Answer = string | undefined

export type Script = (datagram: Buffer, socket: ScriptedSocket) => Answer

interface Given {
  readonly datagram: Buffer
  readonly sent: Sent
  answer: Answer
}

let opened = 0

/** A socket whose kernel says what a test wants to hear. */
export class ScriptedSocket implements DatagramSocket {
  readonly sendBufferBytes = 0
  readonly localAddress: string = `127.0.0.1:${++opened}`
  isClosed = false
  readonly #given: Given[] = []
  readonly #script: Script
  readonly #later: (call: () => void) => void

  /** `later` calls back in one of the next turns of whatever loop the test has. */
  constructor(script: Script, later: (call: () => void) => void) {
    this.#script = script
    this.#later = later
  }

  /** Every datagram that was given, with what was answered last. */
  get given(): { readonly text: string; readonly answer: Answer }[] {
    return this.#given.map(({ datagram, answer }) => ({ text: datagram.toString(), answer }))
  }

  /** Those that were taken, in the order in which they were given: a kernel's queue keeps it. */
  get taken(): Buffer[] {
    return this.#given.filter(({ answer }) => answer === undefined).map(({ datagram }) => datagram)
  }

  send(bytes: Uint8Array, sent: Sent): void {
    const datagram = Buffer.from(bytes) // a copy: its place is used again
    const answer = this.isClosed ? 'ECANCELED' : this.#script(datagram, this)
    const given = { datagram, sent, answer }
    this.#given.push(given)
    if (answer !== 'never') this.#answer(given)
  }

  /** Answers for those that had no answer, or for the first so many. */
  release(answer?: string, count: number = Number.POSITIVE_INFINITY): void {
    const waiting = this.#given.filter((given) => given.answer === 'never')
    for (const given of waiting.slice(0, count)) {
      given.answer = answer
      this.#answer(given)
    }
  }

  /** What has not been answered comes back, as the kernel has it. */
  close(): void {
    this.isClosed = true
    this.release('ECANCELED')
  }

  lines(): string[] {
    return linesOf(this.taken)
  }

  #answer({ sent, answer }: Given): void {
    this.#later(() => sent(answer === undefined ? null : { code: answer }))
  }
}

export function linesOf(datagrams: readonly Uint8Array[]): string[] {
  return Buffer.concat(datagrams).toString().split('\n').slice(0, -1)
}

/** Lines that are the user's: no metadata, heartbeats nor sequence lines. */
export function eventsOf(datagrams: readonly Uint8Array[]): string[] {
  return linesOf(datagrams).filter(
    (line) => !/^\{"(event":"(agent_init|spillway\.stats)"|spillway":")/.test(line),
  )
}
