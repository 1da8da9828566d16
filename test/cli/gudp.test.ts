import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deadPort } from '../support/exporters.ts'
import { LossyRelay } from '../support/lossy-relay.ts'
import { collecting, lastRecord, RunningCommand, run } from './support/command.ts'

let folder: string
let secret: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-cli-'))
  secret = join(folder, 'secret')
  writeFileSync(secret, 'nobody else knows what stands here\n')
})
afterEach(() => rmSync(folder, { recursive: true }))

const manyLines = (count: number) =>
  Array.from(
    { length: count },
    (_, i) => `{"event":"process_exec","i":${i},"pad":"${'x'.repeat(i % 300)}"}\n`,
  ).join('')

describe('send --gudp and collect --gudp', () => {
  it.each([{ flags: [] }, { flags: ['--lose', '20'] }])(
    'bring everything over, in order and once, as fast as it goes %j',
    async ({ flags }) => {
      const input = manyLines(20_000)
      const { command, port } = await collecting('--gudp', '--exit-after-lines', '20000', ...flags)
      const sent = await run(['send', '--gudp', '--no-metadata', '--json', `127.0.0.1:${port}`], input)
      expect(sent.code, sent.stderr).toBe(0)
      expect(lastRecord(sent.stderr)).toMatchObject({
        kind: 'ledger',
        offered: 20_000,
        sent: 20_000,
        dropped: 0,
      })
      const collected = await command.ended
      expect(collected.code).toBe(0)
      expect(collected.stdout.equals(Buffer.from(input))).toBe(true)
      expect(lastRecord(collected.stderr)).toMatchObject({
        transport: 'gudp',
        totals: { received: 20_000, lost: 0, surplus: 0 },
      })
    },
  )

  it('with a secret from a file, or from the environment', async () => {
    const { command, port } = await collecting('--gudp', '--secret-file', secret, '--exit-after-lines', '2')
    const send = ['send', '--gudp', '--no-metadata', '--quiet', `127.0.0.1:${port}`]
    const first = new RunningCommand([...send, '--secret-file', secret])
    first.input('a\n')
    expect((await first.ended).code).toBe(0)
    const second = new RunningCommand(send, { SPILLWAY_GUDP_SECRET: 'nobody else knows what stands here' })
    second.input('b\n')
    expect((await second.ended).code).toBe(0)
    expect(String((await command.ended).stdout)).toBe('a\nb\n')
  })

  it('say that nobody is there, and that it was dropped', async () => {
    const sender = new RunningCommand(['send', '--gudp', '--no-metadata', `127.0.0.1:${await deadPort()}`])
    sender.input('a\n')
    await sender.says(/ECONNREFUSED.*nobody listens/)
    sender.child.kill('SIGINT')
    const { code, stderr } = await sender.ended
    expect(code).toBe(1)
    expect(stderr).toMatch(/closed +1/)
  })
})

describe('ping and gudp-echo', () => {
  async function echoing(...args: string[]): Promise<{ command: RunningCommand; port: number }> {
    const command = new RunningCommand(['gudp-echo', '127.0.0.1:0', ...args])
    let text = ''
    const port = await new Promise<number>((resolve) => {
      command.child.stdout!.on('data', (chunk) => {
        text += chunk
        const [, found] = /listening on 127\.0\.0\.1:(\d+)/.exec(text) ?? []
        if (found !== undefined) resolve(Number(found))
      })
    })
    return { command, port }
  }

  it('measure round trips, and end with exit code 0', async () => {
    const { command, port } = await echoing()
    const { code, stdout, stderr } = await run([
      'ping',
      `127.0.0.1:${port}`,
      '--count',
      '5',
      '--interval',
      '20',
      '--size',
      '1000',
    ])
    expect([code, stderr]).toEqual([0, ''])
    const lines = String(stdout).trimEnd().split('\n')
    for (let seq = 0; seq < 5; seq++)
      expect(lines[seq]).toMatch(
        new RegExp(`^1000 bytes from 127\\.0\\.0\\.1:${port}: seq=${seq} time=\\d+\\.\\d\\d ms$`),
      )
    expect(lines[6]).toMatch(/^5 sent, 5 answered, 0\.00 % lost, \d+\.\d s$/)
    expect(lines[7]).toMatch(/^rtt min\/avg\/max\/p50\/p90\/p99 = ([\d.]+\/){5}[\d.]+ ms$/)
    await command.kill('SIGINT')
    const echo = await command.ended
    expect(echo.code).toBe(0)
    expect(String(echo.stdout)).toMatch(
      /127\.0\.0\.1:\d+ has connected\n[\s\S]*has gone \(closed\): 5 answers\n/,
    )
  })

  it('tell of loss, as NDJSON', async () => {
    const { port } = await echoing()
    const relay = await LossyRelay.open({ toPort: port, seed: 2 })
    try {
      const command = new RunningCommand([
        'ping',
        `127.0.0.1:${relay.port}`,
        '--count',
        '60',
        '--interval',
        '10',
        '--timeout',
        '300',
        '--json',
      ])
      await new Promise((resolve) => command.child.stdout!.once('data', resolve))
      relay.there.set({ loss: 0.5 })
      const { code, stdout } = await command.ended
      expect(code).toBe(0)
      const records = String(stdout)
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
      const { sent, answered, lost, rttMs } = records.at(-1)
      expect([sent, answered + lost]).toEqual([60, 60])
      expect(lost).toBeGreaterThan(5)
      expect(answered).toBeGreaterThan(5)
      expect(rttMs.p50).toBeGreaterThan(0)
      expect(records.filter(({ kind }) => kind === 'lost')).toHaveLength(lost)
    } finally {
      await relay.close()
    }
  })

  it('with Ctrl-C give the sum', async () => {
    const { port } = await echoing()
    const command = new RunningCommand(['ping', `127.0.0.1:${port}`, '--interval', '20'])
    await new Promise((resolve) => command.child.stdout!.once('data', resolve))
    command.child.kill('SIGINT')
    const { code, stdout } = await command.ended
    expect(code).toBe(0)
    expect(String(stdout)).toMatch(/\d+ sent, [1-9]\d* answered/)
  })

  it('with a secret', async () => {
    const { port } = await echoing('--secret-file', secret)
    const args = ['ping', `127.0.0.1:${port}`, '--count', '1']
    expect((await run([...args, '--secret-file', secret])).code).toBe(0)
    const refused = await run(args)
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/encrypted sessions only/)
  })

  it('ends with 1 where nobody answers', async () => {
    const { code, stderr } = await run(['ping', `127.0.0.1:${await deadPort()}`, '--count', '1'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/nobody listens/)
  })
})
