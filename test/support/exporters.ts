import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Alert, type ExporterStats, UdpExporter, type UdpExporterOptions } from 'spillway/udp'
import { expect, onTestFinished } from 'vitest'
import { UdpReceiver } from './udp-receiver.ts'

/** Where a socket is connected to that is to hear of nobody. */
const DISCARD = 9

const udp = new URL('../../dist/node/udp.js', import.meta.url).href

/** Ends with the test. */
export async function openReceiver(
  options: Parameters<typeof UdpReceiver.open>[0] = {},
): Promise<UdpReceiver> {
  const receiver = await UdpReceiver.open(options)
  onTestFinished(() => receiver.close())
  return receiver
}

/** To this host, with nothing on the wire but events, unless asked for. Ends with the test. */
export async function openExporter(
  options: Partial<UdpExporterOptions> & { port: number },
): Promise<UdpExporter> {
  const exporter = await UdpExporter.open({
    host: '127.0.0.1',
    metadata: false,
    heartbeatMs: false,
    ...options,
  })
  onTestFinished(() => exporter.close())
  return exporter
}

/**
 * A port where nobody listens, to the end of the test or until it is released. A socket has it, so that nobody else comes by it, and
 * is connected to somewhere else: what others send there is refused.
 */
export async function holdDeadPort(
  address = '127.0.0.1',
): Promise<{ port: number; release(): Promise<void> }> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.bind(0, address)
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.connect(DISCARD, address)
  await once(socket, 'connect')
  let isHeld = true
  const release = async () => {
    if (!isHeld) return
    isHeld = false
    socket.close()
    await once(socket, 'close')
  }
  onTestFinished(release)
  return { port, release }
}

/** The same, for a test in which nobody comes there. */
export async function deadPort(address?: string): Promise<number> {
  return (await holdDeadPort(address)).port
}

/** What an exporter tells of itself, for `onAlert`. */
export class AlertLog {
  readonly all: Alert[] = []
  #waiting: (() => void)[] = []

  readonly add = (alert: Alert): void => {
    this.all.push(alert)
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Until what came fulfils it. */
  async until(isFulfilled: () => boolean): Promise<void> {
    while (!isFulfilled()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** The sum of what the alerts of kind `drop` tell, for each reason. */
  dropped(): Record<string, number> {
    const sums: Record<string, number> = {}
    for (const alert of this.all) {
      if (alert.kind === 'drop') sums[alert.reason] = (sums[alert.reason] ?? 0) + alert.events
    }
    return sums
  }

  /** The same of kind `error`, for each code. */
  failed(): Record<string, { times: number; events: number }> {
    const sums: Record<string, { times: number; events: number }> = {}
    for (const alert of this.all) {
      if (alert.kind !== 'error') continue
      const { times, events } = sums[alert.code] ?? { times: 0, events: 0 }
      sums[alert.code] = { times: times + alert.times, events: events + alert.events }
    }
    return sums
  }

  /** Levels as they went up and down: `peer raised`, for instance. */
  levels(): string[] {
    return this.all.flatMap((alert) => (alert.kind === 'level' ? [`${alert.name} ${alert.state}`] : []))
  }
}

/** The law that holds at every quiet moment. */
export function expectLaw(stats: ExporterStats): void {
  const { offered, sent, inRing, inFlight, dropped, droppedBy } = stats
  const said = JSON.stringify(stats)
  expect(sent + inRing + inFlight + dropped, said).toBe(offered)
  expect(
    Object.values(droppedBy).reduce((sum, events) => sum + events, 0),
    said,
  ).toBe(dropped)
  expect(Math.min(sent, inRing, inFlight, dropped), said).toBeGreaterThanOrEqual(0)
}

/**
 * Runs an async function's body in a thread of its own, with `UdpExporter`, `data`, and `post` for messages. Resolves with what
 * it returns, once the thread has ended.
 */
export class TestThread {
  readonly messages: unknown[] = []
  readonly result: Promise<unknown>
  readonly #worker: Worker
  #waiting: (() => void)[] = []

  constructor(body: string, data: Record<string, unknown>) {
    const code = `
      import { parentPort, workerData as data } from 'node:worker_threads'
      import { UdpExporter } from ${JSON.stringify(udp)}
      const post = (message) => parentPort.postMessage({ message })
      const next = () => new Promise((resolve) => parentPort.once('message', resolve))
      const run = async () => {${body}}
      parentPort.postMessage({ returned: await run() })`
    this.#worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
      workerData: data,
    })
    this.result = new Promise((resolve, reject) => {
      let returned: unknown
      this.#worker.on('message', (given: { message?: unknown; returned?: unknown }) => {
        if ('returned' in given) returned = given.returned
        else this.#receive(given.message)
      })
      this.#worker.on('error', reject).on('exit', () => resolve(returned))
    })
    onTestFinished(async () => void (await this.#worker.terminate()))
  }

  post(message: unknown): void {
    this.#worker.postMessage(message)
  }

  /** Until it has posted so many messages. */
  async hasPosted(count: number): Promise<void> {
    while (this.messages.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #receive(message: unknown): void {
    this.messages.push(message)
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
