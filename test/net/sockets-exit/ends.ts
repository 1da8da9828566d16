import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Runtime } from '../exit/run-case.ts'

/** How a program ends that has sent what its peer has not read. */
const ends = [
  'return',
  'process.exit',
  'throw',
  'stop',
  'close, stop',
  'worker returns',
  'worker calls process.exit',
  'worker is terminated',
]
/** There an error is told before it is known to be the end: what the I/O thread had not sent by then is lost. */
const LOST_IN_DENO = ['throw']
const LONGEST_MS = 15_000

/** What was sent arrives, whole, whatever way the program ends in. */
export function testSocketEnds(runtime: () => Runtime): void {
  test.each(ends)('%s', async (end) => {
    const { path, args, isDeno } = runtime()
    const peer = await Peer.open()
    const file = fileURLToPath(new URL('./program.mjs', import.meta.url))
    const child = spawn(path, [...args, file, end, String(peer.port)], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, NODE_OPTIONS: '' },
      timeout: LONGEST_MS,
      killSignal: 'SIGKILL',
    })
    const exited = once(child, 'exit')
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    const { sent } = JSON.parse(line) as { sent: number }
    const received = await peer.readToEnd()
    const [code] = (await exited) as [number | null]
    await peer.close()
    expect(code).toBe(end === 'throw' ? 1 : 0)
    expect(sent).toBeGreaterThan(131072) // more than the ring: the kernel had its share
    if (isDeno && LOST_IN_DENO.includes(end)) expect(received).toBeLessThanOrEqual(sent)
    else expect(received).toBe(sent)
  })
}

/** Takes one connection, and reads when it is told to. */
class Peer {
  readonly port: number
  readonly #server
  readonly #connection: Promise<Socket>

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server
    this.port = (server.address() as { port: number }).port
    this.#connection = once(server, 'connection').then(([socket]) => socket as Socket)
  }

  static async open(): Promise<Peer> {
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Peer(server)
  }

  /** How many bytes came; a reset ends it, too. */
  async readToEnd(): Promise<number> {
    const socket = await this.#connection
    let received = 0
    socket.on('data', (bytes: Uint8Array) => {
      received += bytes.length
    })
    socket.on('error', () => {})
    socket.resume()
    await once(socket, 'close')
    return received
  }

  async close(): Promise<void> {
    this.#server.close()
    await once(this.#server, 'close')
  }
}
