import type { DatagramSocket, Sent } from '../../src/ports.ts'

/** What a socket answers for a datagram: nothing (taken), a code, or `'never'`. */
export type Answer = string | undefined

export type Script = (datagram: Buffer, socket: ScriptedSocket) => Answer

let opened = 0

/** A socket whose kernel says what a test wants to hear. */
export class ScriptedSocket implements DatagramSocket {
  readonly sendBufferBytes = 0
  readonly localAddress: string = `127.0.0.1:${++opened}`
  /** What was taken, in order. */
  readonly taken: Buffer[] = []
  /** Every datagram that was given, with what was answered. */
  readonly given: { readonly text: string; readonly answer: Answer }[] = []
  isClosed = false
  readonly #script: Script
  readonly #later: (call: () => void) => void
  #silent: Sent[] = []

  /** `later` calls back in one of the next turns of whatever loop the test has. */
  constructor(script: Script, later: (call: () => void) => void) {
    this.#script = script
    this.#later = later
  }

  send(bytes: Uint8Array, sent: Sent): void {
    const datagram = Buffer.from(bytes) // a copy: its place is used again
    const answer = this.isClosed ? 'ECANCELED' : this.#script(datagram, this)
    this.given.push({ text: datagram.toString(), answer })
    if (answer === 'never') {
      this.#silent.push(sent)
      return
    }
    if (answer === undefined) this.taken.push(datagram)
    this.#later(() => sent(answer === undefined ? null : { code: answer }))
  }

  /** Answers for those that had no answer. */
  release(answer?: string): void {
    for (const sent of this.#silent.splice(0)) this.#later(() => sent(answer === undefined ? null : { code: answer }))
  }

  /** What has not been answered comes back, as the kernel has it. */
  close(): void {
    this.isClosed = true
    this.release('ECANCELED')
  }

  lines(): string[] {
    return linesOf(this.taken)
  }
}

export function linesOf(datagrams: readonly Uint8Array[]): string[] {
  return Buffer.concat(datagrams).toString().split('\n').slice(0, -1)
}

/** Lines that are the user's: no metadata, heartbeats nor sequence lines. */
export function eventsOf(datagrams: readonly Uint8Array[]): string[] {
  return linesOf(datagrams).filter((line) => !/^\{"(event":"(agent_init|spillway\.stats)"|spillway":")/.test(line))
}
