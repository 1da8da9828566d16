import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { describeWith, output, Program, startServer, startWorker } from './programs/program.ts'

// Sockets in workers against programs that nobody here wrote.

const data = randomBytes(10_000_000)
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Where a worker, or a program, listens. */
interface Place {
  readonly port: number
}

describeWith(['socat'], 'socat', () => {
  it('takes 10 MB, and answers with their hash after the end of them: half-closed by us', async () => {
    const socat = new Program('socat', ['-d', '-d', 'TCP-LISTEN:0,bind=127.0.0.1', 'EXEC:sha256sum'])
    const [, port] = await socat.says(/listening on AF=2 127\.0\.0\.1:(\d+)/)
    const steps = ['send', 'shutdown', 'receive']
    const worker = await startWorker<Uint8Array>('connection.mjs', { port: Number(port), data, steps })
    expect(String(Buffer.from(await worker.next()))).toBe(`${sha256(data)}  -\n`)
  })

  it('sends 10 MB, and gets the answer after the end of them: half-closed by it', async () => {
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
  it('sends 10 MB to us and ends, and then takes 10 MB', async () => {
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

describeWith(['redis-server'], 'redis-server', () => {
  /** What each case gave, in a worker that blocks. */
  async function ask(...cases: string[]): Promise<{ results: object[]; redis: Program }> {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-redis-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const settings = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
    const { program, port } = await startServer(
      'redis-server',
      (port) => ['--port', String(port), ...settings],
      /Ready to accept connections/,
    )
    const worker = await startWorker<object>('redis.mjs', { port, cases })
    const results = []
    while (results.length < cases.length) results.push(await worker.next())
    return { results, redis: program }
  }

  it('answers pipelines of 5000 SET and 5000 GET, each as it was asked', async () => {
    const { results } = await ask('pipelines', 'one command after another')
    expect(results).toEqual([{ set: 5000, right: 5000, size: 5000 }, { right: 1000 }])
  })

  it('gives back values of 1 MB, eight in one pipeline', async () => {
    const { results } = await ask('values of 1 MB')
    expect(results).toEqual([{ right: 8 }])
  })

  it('counts what 50 connections send, which one poll waits for', async () => {
    const { results } = await ask('many connections, one poll')
    expect(results).toMatchObject([{ counter: 5000 }])
  })

  it('keeps a client waiting until there is something, beside another that writes it', async () => {
    const { results } = await ask('a blocking pop, a subscription')
    expect(results).toEqual([
      { early: 'ETIMEDOUT', popped: ['list', 'an item'], told: ['message', 'news', 'good'] },
    ])
  })

  it('shuts down: its clients find the end, and then nobody', async () => {
    const { results, redis } = await ask('the end of the server')
    expect(results).toEqual([
      { ends: [0, 0], code: expect.stringMatching(/^(EPIPE|ECONNRESET|ECONNREFUSED)$/) },
    ])
    expect(await redis.exit()).toBe(0)
  })
})

describeWith(['curl'], 'curl, of an HTTP server in a worker', () => {
  async function startHttp(): Promise<string> {
    const worker = await startWorker<Place>('http-server.mjs', { data })
    return `http://127.0.0.1:${(await worker.next()).port}`
  }
  const curl = (...args: string[]) => output('curl', ['-sS', '--max-time', '20', ...args])

  it('keeps its connection for the next request', async () => {
    const url = `${await startHttp()}/hello`
    const { stdout, stderr } = await curl('-w', '%{num_connects} ', url, url, url)
    expect({ stdout: String(stdout), stderr }).toEqual({ stdout: 'hello\n1 hello\n0 hello\n0 ', stderr: '' })
  })

  it('is told of what there is not, asks for the head alone, and speaks HTTP/1.0', async () => {
    const url = await startHttp()
    const codes = await curl('-o', '/dev/null', '-w', '%{http_code}', `${url}/nothing`)
    expect(String(codes.stdout)).toBe('404')
    expect(String((await curl('-I', `${url}/big`)).stdout)).toContain(`Content-Length: ${data.length}`)
    expect(String((await curl('-0', `${url}/hello`)).stdout)).toBe('hello\n')
  })

  it('gets 10 MB, and sends 10 MB', async () => {
    const url = await startHttp()
    const { stdout } = await curl(`${url}/big`)
    expect(sha256(stdout)).toBe(sha256(data))
    const post = ['-sS', '--max-time', '20', '--data-binary', '@-', `${url}/hash`]
    expect(String((await output('curl', post, data)).stdout)).toBe(sha256(data))
  })

  it('gets 10 MB six times at once, while one that goes away early, and one that is slow, hold up nobody', async () => {
    const url = await startHttp()
    const slow = curl('--limit-rate', '4M', `${url}/big`)
    const gone = output('sh', ['-c', `curl -s --max-time 20 ${url}/big | head -c 100000`])
    const all = await Promise.all(Array.from({ length: 6 }, () => curl(`${url}/big`)))
    for (const { stdout } of all) expect(sha256(stdout)).toBe(sha256(data))
    expect((await gone).stdout).toHaveLength(100_000)
    expect(sha256((await slow).stdout)).toBe(sha256(data))
    expect(String((await curl(`${url}/hello`)).stdout)).toBe('hello\n')
  })
})

describeWith(['dig'], 'dig, of a DNS server in a worker', () => {
  async function dig(...args: string[]): Promise<string> {
    const worker = await startWorker<Place>('dns-server.mjs', {})
    const { port } = await worker.next()
    const { stdout, stderr, code } = await output('dig', ['@127.0.0.1', '-p', String(port), ...args])
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    return String(stdout)
  }

  it('gets addresses, and by an alias', async () => {
    const queries = ['host.test', 'A', 'host.test', 'AAAA', 'alias.test', 'A']
    expect(await dig('+short', ...queries)).toBe('10.1.2.3\nfd00::7\nhost.test.\n10.1.2.3\n')
  })

  it('is told that there is no such name', async () => {
    expect(await dig('nothing.test')).toContain('status: NXDOMAIN')
  })

  it('asks over TCP for what is too long for a datagram', async () => {
    const told = await dig('long.test', 'TXT')
    expect(told).toContain('Truncated, retrying in TCP mode')
    expect(told.match(/"text \d+ x{100}"/g)).toHaveLength(100)
    expect(told).not.toContain('Warning')
  })
})

describeWith(['dnsmasq'], 'dnsmasq, asked by the resolver of the examples', () => {
  const names = Array.from({ length: 60 }, (_, i) => `10.9.0.${i + 1} many.spillway.test\n`)

  it('tells addresses, follows aliases, and answers over TCP what is too long', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-dnsmasq-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    writeFileSync(join(folder, 'hosts'), names.join(''))
    const settings = [
      [
        '--keep-in-foreground',
        '--conf-file=/dev/null',
        '--pid-file=',
        '--log-facility=-',
        '--no-resolv',
        '--no-hosts',
      ],
      [
        '--listen-address=127.0.0.1',
        '--bind-interfaces',
        `--user=${userInfo().username}`,
        '--local=/spillway.test/',
      ],
      ['--host-record=host.spillway.test,10.8.0.1,fd00::8', '--cname=alias.spillway.test,host.spillway.test'],
      [`--addn-hosts=${join(folder, 'hosts')}`],
    ].flat()
    const { port } = await startServer(
      'dnsmasq',
      (port) => [`--port=${port}`, ...settings],
      /started, version/,
    )
    const server = `127.0.0.1:${port}`
    const resolve = async (...args: string[]) => {
      const { stdout, stderr } = await output(process.execPath, [
        'examples/sync-dns.mjs',
        '--server',
        server,
        ...args,
      ])
      return String(stdout) + stderr
    }
    expect(await resolve('host.spillway.test')).toBe('host.spillway.test A 10.8.0.1\n')
    expect(await resolve('host.spillway.test', '--type', 'AAAA')).toBe('host.spillway.test AAAA fd00::8\n')
    expect(await resolve('alias.spillway.test')).toBe('alias.spillway.test A 10.8.0.1\n')
    expect(await resolve('nothing.spillway.test')).toBe('there is no nothing.spillway.test\n')
    expect((await resolve('many.spillway.test')).match(/10\.9\.0\.\d+/g)).toHaveLength(60)
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
