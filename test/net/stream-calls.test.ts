import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { startWorker } from './programs/program.ts'

/** Sends each message in a worker, which waits until it has been received. What came, as it came. */
async function send(messages: readonly Uint8Array[][], ringBytes: number): Promise<Buffer[]> {
  const wholes = messages.map((buffers) => Buffer.concat(buffers))
  const came: Buffer[] = []
  const server = createServer((socket) => {
    let missing = wholes[0]!.length
    let next = 1
    socket.on('data', (bytes: Buffer) => {
      came.push(bytes)
      missing -= bytes.length
      if (missing > 0) return
      missing = wholes[next++]?.length ?? 0
      socket.write('k')
    })
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const worker = await startWorker<string>('gatherer.mjs', { port, messages, ringBytes })
  expect(await worker.next()).toBe('done')
  expect(Buffer.concat(came).equals(Buffer.concat(wholes))).toBe(true)
  return came
}

it('several buffers leave as one: Nagle would hold up all but the first', async () => {
  const command = ['*2', '\r\n', '$4', '\r\n', 'INCR', '\r\n', '$7', '\r\n', 'counter', '\r\n'].map((part) =>
    Buffer.from(part),
  )
  const came = await send(new Array(200).fill(command), 131_072)
  expect(came).toHaveLength(200)
})

it('buffers of any size, empty ones and longer ones than the ring, arrive in their order', async () => {
  const buffers = () =>
    Array.from({ length: 50 }, () => randomBytes(randomInt(4) * randomInt(4) * randomInt(1000)))
  await send(
    Array.from({ length: 20 }, () => [...buffers(), Buffer.alloc(0), Buffer.from('.')]),
    4096,
  )
})

it('a peer that resets in the middle of what is sent ends that connection, and holds up nobody', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => socket.resetAndDestroy())
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const connections = 30
  const worker = await startWorker<string>('flooder.mjs', { port, connections })
  for (let i = 0; i < connections; i++) expect(await worker.next()).toMatch(/^(ECONNRESET|EPIPE)$/)
})

it('a peek that would wait for all is refused: what there is of it would keep the thread awake for ever', async () => {
  const server = createServer((socket) => socket.write('part')).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const worker = await startWorker<string>('peeker.mjs', { port })
  const said = []
  while (said.length < 4) said.push(await worker.next())
  expect(said).toEqual(['part', 'EINVAL', 'part', 'EINVAL'])
})
