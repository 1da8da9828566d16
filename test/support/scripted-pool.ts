import type { Flow, PoolContext, PoolFactory, SocketPool } from 'spillway/udp'
import { type Script, ScriptedSocket } from './scripted-socket.ts'

/** A user's own pool, on a kernel that says what a test wants to hear: one socket, replaced when it is reported. */
export class ScriptedPool implements SocketPool {
  readonly counts = { hits: 0, misses: 0, replaced: 0, size: 0 }
  readonly sockets: ScriptedSocket[] = []
  readonly reported: string[] = []
  isClosed = false
  readonly #script: Script
  #context!: PoolContext
  #flow: Flow | undefined
  #waiting: (() => void)[] = []

  constructor(script: Script = () => undefined) {
    this.#script = (datagram, socket) => {
      for (const resolve of this.#waiting.splice(0)) setImmediate(resolve)
      return script(datagram, socket)
    }
  }

  /** For the option `pool`. */
  readonly factory: PoolFactory = (context) => {
    this.#context = context
    return this
  }

  /** Until so many datagrams were given to its sockets. */
  async hasBeenGiven(count: number): Promise<void> {
    while (this.sockets.reduce((sum, { given }) => sum + given.length, 0) < count) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** The kernel answers for all that it has not answered for. */
  release(answer?: string): void {
    for (const socket of this.sockets) socket.release(answer)
  }

  taken(): Buffer[] {
    return this.sockets.flatMap((socket) => socket.taken)
  }

  acquire(): Flow {
    this.counts.hits++
    this.#flow ??= this.#open()
    return this.#flow
  }

  report(_flow: Flow, code: string): void {
    this.reported.push(code)
    this.counts.replaced++
    this.counts.size = 0
    this.#flow?.socket.close()
    this.#flow = undefined
  }

  flows(): Iterable<Flow> {
    return this.#flow === undefined ? [] : [this.#flow]
  }

  close(): void {
    this.isClosed = true
    this.#flow?.socket.close()
    this.counts.size = 0
  }

  #open(): Flow {
    const socket = new ScriptedSocket(this.#script, setImmediate)
    this.sockets.push(socket)
    this.counts.misses++
    this.counts.size = 1
    return this.#context.flow(socket)
  }
}
