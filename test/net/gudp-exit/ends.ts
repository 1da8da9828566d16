import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type GudpConnection, GudpDaemon } from 'spillway/gudp'
import { expect, test } from 'vitest'
import type { Runtime } from '../exit/run-case.ts'

const ends = [
  'return',
  'process.exit',
  'throw',
  'close',
  'leave',
  'stop',
  'worker returns',
  'worker calls process.exit',
  'worker is terminated',
]
const COUNT = 100
const LONGEST_MS = 15_000
const PACED = { congestion: 'paced' } as const

function start({ path, args }: Runtime, ...given: string[]): ChildProcess {
  const file = fileURLToPath(new URL('./program.mjs', import.meta.url))
  return spawn(path, [...args, file, ...given], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: LONGEST_MS,
    killSignal: 'SIGKILL',
  })
}

/** What the first connection brings until its end, and how that is. */
async function receiver(): Promise<{
  daemon: GudpDaemon
  port: string
  all: Promise<{ received: string[]; state: string }>
}> {
  const daemon = await GudpDaemon.start()
  let take: (connection: GudpConnection) => void
  const first = new Promise<GudpConnection>((resolve) => {
    take = resolve
  })
  const listener = await daemon.listen({
    port: 0,
    ...PACED,
    timeoutMs: 5000,
    onConnection: (connection) => take(connection),
  })
  const all = first.then(async (connection) => {
    const received: string[] = []
    for await (const message of connection.messages.reliable) received.push(new TextDecoder().decode(message))
    return { received, state: connection.status.state }
  })
  return { daemon, port: String(listener.address().port), all }
}

/** What was sent arrives, whole, whatever way the program ends in; what is idle keeps no program alive. */
export function testGudpEnds(runtime: () => Runtime): void {
  test.each(ends)('%s: all that was sent arrives, and the end is told', async (end) => {
    const { daemon, port, all } = await receiver()
    const child = start(runtime(), end, port)
    const [[code], { received, state }] = await Promise.all([once(child, 'exit'), all])
    await daemon.stop()
    expect(code).toBe(end === 'throw' ? 1 : 0)
    expect(received.map((message) => Number(message.split(' ')[0]))).toEqual(
      Array.from({ length: COUNT }, (_, i) => i),
    )
    expect(state).toBe('closed')
  })

  test('an idle connection keeps no program alive, and its end is told', async () => {
    const { daemon, port, all } = await receiver()
    const child = start(runtime(), 'idle', port)
    const [[code], { received, state }] = await Promise.all([once(child, 'exit'), all])
    await daemon.stop()
    expect({ code, received, state }).toEqual({ code: 0, received: ['first'], state: 'closed' })
  })

  test('a listener keeps its program alive, until it is closed', async () => {
    const child = start(runtime(), 'listens')
    const exited = once(child, 'exit')
    const [port] = (await once(createInterface(child.stdout!), 'line')) as [string]
    const early = await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 700, 'alive'))])
    expect(early).toBe('alive')
    const daemon = await GudpDaemon.start()
    const connection = await daemon.connect({ host: '127.0.0.1', port: Number(port) })
    expect(await exited).toEqual([0, null])
    expect(await connection.recv({ timeoutMs: 5000 })).toBe(undefined)
    expect(connection.status.state).toBe('closed')
    await daemon.stop()
  })
}
