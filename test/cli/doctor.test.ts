import { spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setImmediate as immediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { collecting, type Ended, run } from './support/command.ts'

interface FindingLine {
  readonly kind: string
  readonly check: string
  readonly verdict: 'ok' | 'warning' | 'problem' | 'unknown'
  readonly says: string
  readonly change?: string
  readonly figures: Readonly<Record<string, unknown>>
}

function findingsOf({ stdout }: { stdout: Buffer }): FindingLine[] {
  const lines = String(stdout).trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'finding')
}

function finding(ended: Ended, check: string): FindingLine {
  const found = findingsOf(ended).find((one) => one.check === check)
  if (found === undefined) throw new Error(`no finding '${check}' in:\n${ended.stdout}${ended.stderr}`)
  return found
}

const examine = (...args: string[]) => run(['doctor', '--json', '--seconds', '0', ...args])
const isLinux = process.platform === 'linux'

describe('doctor', () => {
  it('looks at everything, and its exit code is what it found', async () => {
    const ended = await examine()
    const findings = findingsOf(ended)
    const summary = JSON.parse(String(ended.stdout).trimEnd().split('\n').at(-1)!)
    const tally = { ok: 0, warning: 0, problem: 0, unknown: 0 }
    for (const { verdict, says, change } of findings) {
      tally[verdict]++
      expect(says).not.toBe('')
      // Who says that something is wrong says what to do about it.
      expect(change !== undefined, says).toBe(verdict === 'warning' || verdict === 'problem')
    }
    expect(summary).toEqual({ kind: 'summary', ...tally, exitCode: ended.code })
    expect(ended.code).toBe(tally.problem > 0 ? 1 : 0)
    expect(ended.stderr).toBe('')
    for (const check of ['runtime', 'wasm', 'blocking', 'waking', 'threads'])
      expect(finding(ended, check), check).toMatchObject({ verdict: 'ok' })
    expect(finding(ended, 'threads').figures).toMatchObject({ sent: 100, came: 100 })
    const checks = findings.map(({ check }) => check)
    for (const check of [
      'recv-buffer',
      'send-buffer',
      'backlog',
      'files',
      'memory',
      'address-space',
      'softnet',
    ])
      expect(checks).toContain(check)
  })

  it('says the same in words, and with --quiet only what is to be done', async () => {
    const { stdout, stderr } = await run(['doctor', '--seconds', '0'])
    expect(String(stdout)).toMatch(/^ok {7}Node [\d.]+ on /m)
    expect(String(stdout)).toMatch(/^\d+ problems?, \d+ warnings?, \d+ ok/m)
    expect(stderr).toBe('')
    const quiet = String((await run(['doctor', '--seconds', '0', '--quiet'])).stdout)
    expect(quiet).not.toMatch(/^(ok|-) /m)
    expect(quiet).toMatch(/^\d+ problems?, \d+ warnings?, \d+ ok/m)
  })

  it('measures the receive buffer as a socket really gets it', async () => {
    const socket = createSocket('udp4')
    onTestFinished(() => void socket.close())
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    try {
      socket.setRecvBufferSize(4 * 2 ** 20)
    } catch {
      // Then it stays as it is.
    }
    const given = socket.getRecvBufferSize() / (isLinux ? 2 : 1)
    const { figures, verdict } = finding(await examine('--role', 'collect'), 'recv-buffer')
    expect(figures).toMatchObject({ asked: 4 * 2 ** 20, given })
    expect(verdict).toBe(given >= 4 * 2 ** 20 ? 'ok' : 'problem')
  })

  it.runIf(isLinux)('counts warnings with --strict', async () => {
    const limited = await withLimit('ulimit -n 100', '--role', 'send')
    expect(finding(limited, 'files')).toMatchObject({ verdict: 'warning', figures: { soft: 100 } })
    const strict = await withLimit('ulimit -n 100', '--role', 'send', '--strict')
    expect(strict.code).toBe(1)
  })

  it.runIf(isLinux)('says what is wrong where the Wasm cannot have its memory', async () => {
    const limited = await withLimit('ulimit -v 4000000')
    expect(finding(limited, 'address-space')).toMatchObject({ verdict: 'warning' })
    expect(finding(limited, 'wasm')).toMatchObject({
      verdict: 'problem',
      change: expect.stringContaining('ulimit -v'),
    })
    expect(limited.code).toBe(1)
  })
})

describe('doctor, towards a target', () => {
  it('finds the listener, and what length of datagrams comes there', async () => {
    const { command, port } = await collecting()
    const ended = await examine('--role', 'send', `127.0.0.1:${port}`)
    expect(finding(ended, 'target')).toMatchObject({ verdict: 'ok', figures: { refused: false } })
    expect(finding(ended, 'address')).toMatchObject({ verdict: 'ok', figures: { addresses: ['127.0.0.1'] } })
    if (isLinux) {
      expect(finding(ended, 'interface')).toMatchObject({ verdict: 'ok', figures: { interface: 'lo' } })
      expect(finding(ended, 'path')).toMatchObject({
        figures: { cameThereBytes: 65_507, advisedBytes: 60_000 },
      })
    }
    // It leaves nothing behind in what the collector hands on.
    await command.kill('SIGTERM')
    expect(String((await command.ended).stdout)).toBe('')
  })

  it('finds that nobody is there', async () => {
    const port = await closedPort()
    const ended = await examine('--role', 'send', `127.0.0.1:${port}`)
    expect(finding(ended, 'target')).toMatchObject({
      verdict: 'problem',
      change: expect.stringContaining(`--port ${port}`),
    })
    expect(ended.code).toBe(1)
  })

  it('looks at the way alone where no port is given, in both families', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      const ended = await examine(host)
      const checks = findingsOf(ended).map(({ check }) => check)
      expect(checks).toContain('address')
      expect(checks).not.toContain('target')
    }
  })

  it('cannot look where there is no such host: 3', async () => {
    const ended = await examine('no-such-host.invalid:9999')
    expect(finding(ended, 'address')).toMatchObject({
      verdict: 'problem',
      says: expect.stringContaining('no-such-host.invalid'),
    })
    expect(ended.code).toBe(3)
  })
})

describe.runIf(isLinux)('doctor, of drops', () => {
  it('names the socket that loses, and whose it is; while it does it is a problem', async () => {
    const { port, pid } = await deafReceiver()
    const sender = createSocket('udp4')
    onTestFinished(() => void sender.close())
    await flood(sender, port)

    const past = await examine('--seconds', '0.1')
    expect(socketAt(past, port)).toMatchObject({ verdict: 'warning', figures: { pid, grown: 0 } })
    expect(finding(past, 'udp.RcvbufErrors').figures.sinceBoot).toBeGreaterThan(0)

    let isOver = false
    const watching = examine('--seconds', '1').finally(() => {
      isOver = true
    })
    while (!isOver) await flood(sender, port)
    const now = await watching
    expect(socketAt(now, port)).toMatchObject({ verdict: 'problem', figures: { pid } })
    expect(socketAt(now, port)!.figures.grown).toBeGreaterThan(0)
    expect(now.code).toBe(1)
  })
})

function socketAt(ended: Ended, port: number): FindingLine | undefined {
  return findingsOf(ended).find(({ check, figures }) => check === 'socket' && figures.port === port)
}

/** Under a limit of the shell. */
async function withLimit(limit: string, ...args: string[]): Promise<Ended> {
  const entry = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url))
  const command = [process.execPath, entry, 'doctor', '--json', '--seconds', '0', ...args]
  const child = spawn('sh', ['-c', `${limit}; exec "$@"`, 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const chunks: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  const [code] = await once(child, 'close')
  return { code, stdout: Buffer.concat(chunks), stderr }
}

/** Of a socket that has just been closed. */
async function closedPort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

/** A process with a socket that it never reads. */
async function deafReceiver(): Promise<{ port: number; pid: number }> {
  const source = `
    const socket = require('node:dgram').createSocket('udp4')
    socket.bind({ port: 0, address: '127.0.0.1' }, () => {
      require('node:fs').writeSync(1, String(socket.address().port) + '\\n')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
    })`
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  const [line] = await once(child.stdout, 'data')
  return { port: Number(line), pid: child.pid! }
}

/** More than its buffer holds. */
async function flood(sender: Socket, port: number): Promise<void> {
  const datagram = Buffer.alloc(8000)
  const sent = Array.from(
    { length: 200 },
    () => new Promise((resolve) => sender.send(datagram, port, '127.0.0.1', resolve)),
  )
  await Promise.all(sent)
  await immediate() // what the kernel takes at once is answered at once: nothing else would come to pass
}
