// Two million events, which is ten minutes at 3500 a second; beside them 90 threads that join and leave, and 300 exporters that are
// opened and closed. Nothing grows, and the ledger is closed at the end of each round.
import { fork } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { on, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ExporterStats } from 'spillway/udp'
import { expect, test } from 'vitest'

const ROUNDS = 150
const EVENTS = 14_000
const SHORT_LIVED = 2
const MEASURE_EVERY = 10
/** Measurements that are left out: heaps find their size, code is compiled. */
const WARM_UP = 4

const MiB = 1 << 20
/** Young generations, which would grow by tens of MiB at their leisure, are kept small: they hide what is looked for. */
const NODE_OPTIONS = ['--expose-gc', '--max-semi-space-size=1']

interface State {
  rss: number
  heap: number
  ioHeap: number
  external: number
  granules: number
  resources: number
  files: number
}

type Told = { ledgers: ExporterStats[] } | { state: State }

test('nothing grows, and nothing is lost', async () => {
  const receiver = await Receiver.open()
  const settings = {
    port: receiver.port,
    rounds: ROUNDS,
    events: EVENTS,
    shortLived: SHORT_LIVED,
    measureEvery: MEASURE_EVERY,
  }
  const file = fileURLToPath(new URL('./soak/program.mjs', import.meta.url))
  const program = fork(file, [JSON.stringify(settings)], { execArgv: NODE_OPTIONS })
  const ended = once(program, 'exit')
  const states: State[] = []
  let rounds = 0
  let sentByClosed = 0
  try {
    for await (const [told] of on(program, 'message', { close: ['disconnect'] }) as AsyncIterable<[Told]>) {
      if ('state' in told) states.push(told.state)
      else {
        const [lasting, ...closed] = told.ledgers as [ExporterStats, ...ExporterStats[]]
        sentByClosed += closed.reduce((sum, { sent }) => sum + sent, 0)
        for (const ledger of told.ledgers) expectClosed(ledger)
        expect(lasting).toMatchObject({ offered: ++rounds * EVENTS, sent: rounds * EVENTS })
        expect(closed.map(({ offered }) => offered)).toEqual(new Array(SHORT_LIVED).fill(100))
        await receiver.settled()
        expect(receiver.events, `received by the end of round ${rounds}`).toBe(lasting.sent + sentByClosed)
      }
      program.send('go on')
    }
    expect(await ended).toEqual([0, null])
  } finally {
    program.kill('SIGKILL')
    await receiver.close()
  }
  expect(rounds).toBe(ROUNDS)
  expectFlat(states.slice(WARM_UP))
})

function expectClosed({ offered, sent, inRing, inFlight, dropped }: ExporterStats): void {
  expect({ inRing, inFlight }).toEqual({ inRing: 0, inFlight: 0 })
  expect(sent + dropped).toBe(offered)
}

function expectFlat(states: State[]): void {
  const [first, last] = [states[0]!, states.at(-1)!]
  const { granules, resources, files } = first
  expect(last, 'what is counted in pieces').toMatchObject({ granules, resources, files })
  const growth = (name: keyof State) => (last[name] - first[name]) / MiB
  const seen = JSON.stringify(states)
  for (const name of ['heap', 'ioHeap', 'external'] as const)
    expect(growth(name), `${name} ${seen}`).toBeLessThan(0.5)
  // What malloc and V8 take their time for. If 60 bytes of each event were kept, it would be 85.
  expect(growth('rss'), `rss ${seen}`).toBeLessThan(16)
}

const MARK = 'mark'
/** Events begin with `{"n`; metadata and heartbeats, each in a datagram of its own, with `{"e`. */
const FIRST_OF_EVENT = 'n'.charCodeAt(0)

/** Counts, and keeps nothing. */
class Receiver {
  events = 0
  readonly #socket: Socket
  #onMark: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (datagram) => this.#receive(datagram))
  }

  static async open(): Promise<Receiver> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    socket.setRecvBufferSize(4 * MiB)
    return new Receiver(socket)
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** Until all that was sent before has been received. */
  settled(): Promise<void> {
    this.#socket.send(MARK, this.port, '127.0.0.1')
    return new Promise((resolve) => {
      this.#onMark = resolve
    })
  }

  #receive(datagram: Buffer): void {
    if (datagram.length === MARK.length) this.#onMark()
    else if (datagram[2] === FIRST_OF_EVENT) this.#count(datagram)
  }

  #count(datagram: Buffer): void {
    for (let at = datagram.indexOf('\n'); at >= 0; at = datagram.indexOf('\n', at + 1)) this.events++
  }

  async close(): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }
}
