import { createHash, randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { describeWith, output, Program, startServer, startWorker } from './programs/program.ts'

// Sockets in workers against programs that nobody here wrote.

const MiB = 2 ** 20
const data = randomBytes(8 * MiB)
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Where a worker, or a program, listens. */
interface Place {
  readonly port: number
}

describeWith(['socat'], 'socat', () => {
  it('takes 8 MiB, and answers with their hash after the end of them: half-closed by us', async () => {
    const socat = new Program('socat', ['-d', '-d', 'TCP-LISTEN:0,bind=127.0.0.1', 'EXEC:sha256sum'])
    const [, port] = await socat.says(/listening on AF=2 127\.0\.0\.1:(\d+)/)
    const steps = ['send', 'shutdown', 'receive']
    const worker = await startWorker<Uint8Array>('connection.mjs', { port: Number(port), data, steps })
    expect(String(Buffer.from(await worker.next()))).toBe(`${sha256(data)}  -\n`)
  })

  it('sends 8 MiB, and gets the answer after the end of them: half-closed by it', async () => {
    const answer = Buffer.from('an answer after the end')
    const worker = await startWorker<Place | Uint8Array>('connection.mjs', {
      data: answer,
      steps: ['receive', 'send'],
    })
    const { port } = (await worker.next()) as Place
    const { stdout, code } = await output('socat', ['-t', '20', '-', `TCP:127.0.0.1:${port}`], data)
    expect(sha256((await worker.next()) as Uint8Array)).toBe(sha256(data))
    expect({ stdout: String(stdout), code }).toEqual({ stdout: String(answer), code: 0 })
  })

  it('gets from the echo server of the examples what it sends', async () => {
    const port = await startEcho()
    const { stdout, code } = await output('socat', ['-t', '20', '-', `TCP:127.0.0.1:${port}`], data)
    expect({ hash: sha256(stdout), code }).toEqual({ hash: sha256(data), code: 0 })
  })

  it('gets back its datagrams', async () => {
    const worker = await startWorker<Place>('udp-echo.mjs', {})
    const { port } = await worker.next()
    const socat = new Program('socat', ['-', `UDP4:127.0.0.1:${port}`])
    await expectTalk(socat)
  })

  it('answers each of our datagrams with its hash', async () => {
    const { port } = await startServer(
      'socat',
      (port) => ['-d', '-d', `UDP4-RECVFROM:${port},bind=127.0.0.1,fork`, 'EXEC:sha256sum'],
      /receiving on AF=2/,
    )
    const datagrams = [1, 2, 100, 1472, 1473, 8000].map((bytes) => randomBytes(bytes))
    const worker = await startWorker<Uint8Array>('asker.mjs', { port, datagrams })
    for (const datagram of datagrams)
      expect(String(Buffer.from(await worker.next()))).toBe(`${sha256(datagram)}  -\n`)
  })
})

describeWith(['nc'], 'nc', () => {
  it('sends 8 MiB to us and ends, and then takes 8 MiB', async () => {
    const nc = new Program('nc', ['-v', '-N', '-l', '127.0.0.1', '0'])
    const [, port] = await nc.says(/Listening on \S+ (\d+)/)
    nc.shut(data)
    const steps = ['receive', 'send', 'shutdown']
    const worker = await startWorker<Uint8Array>('connection.mjs', { port: Number(port), data, steps })
    expect(sha256(await worker.next())).toBe(sha256(data))
    expect(await nc.exit()).toBe(0)
    expect(sha256(Buffer.from(nc.stdout, 'latin1'))).toBe(sha256(data))
  })

  it('gets from the echo server of the examples what it sends', async () => {
    const port = await startEcho()
    const { stdout, code } = await output('nc', ['-N', '127.0.0.1', port], data)
    expect({ hash: sha256(stdout), code }).toEqual({ hash: sha256(data), code: 0 })
  })

  it('gets back its datagrams', async () => {
    const worker = await startWorker<Place>('udp-echo.mjs', {})
    const { port } = await worker.next()
    await expectTalk(new Program('nc', ['-u', '127.0.0.1', String(port)]))
  })

  it('answers our datagram with what is typed', async () => {
    const nc = new Program('nc', ['-v', '-u', '-l', '127.0.0.1', '0'])
    const [, port] = await nc.says(/Bound on \S+ (\d+)/)
    const datagrams = [Buffer.from('a question\n')]
    const worker = await startWorker<Uint8Array>('asker.mjs', { port: Number(port), datagrams })
    await nc.says(/a question\n/)
    nc.write('what is typed\n')
    expect(String(Buffer.from(await worker.next()))).toBe('what is typed\n')
  })
})

/** The example in a process of its own: its port. */
async function startEcho(): Promise<string> {
  const echo = new Program(process.execPath, ['examples/tcp-echo-poll.mjs', '--port', '0'])
  return (await echo.says(/listening on 127\.0\.0\.1:(\d+)/))[1]!
}

/** What is typed comes back, line by line. */
async function expectTalk(program: Program): Promise<void> {
  for (const line of ['one', 'two', 'x'.repeat(4000)]) {
    program.write(`${line}\n`)
    await program.says(new RegExp(`^${line}\n`, 'm'))
  }
}
