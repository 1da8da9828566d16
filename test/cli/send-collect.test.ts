import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { collecting, lastRecord, RunningCommand, run } from './support/command.ts'

const line = (i: number) => `{"event":"process_exec","i":${i},"pad":"${'x'.repeat(i % 300)}"}\n`
const manyLines = (count: number) => Array.from({ length: count }, (_, i) => line(i)).join('')
const lossless = ['--no-metadata', '--quiet']

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-cli-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** What a collector has written to standard output once it has so many lines. */
async function roundTrip(input: string | Buffer, lines: number, ...flags: string[]) {
  const { command, port } = await collecting('--exit-after-lines', String(lines))
  const sent = await run(['send', ...flags, `127.0.0.1:${port}`], input)
  const collected = await command.ended
  return { sent, collected, ledger: lastRecord(collected.stderr) }
}

describe('send and collect', () => {
  it('bring 50,000 lines over, byte by byte and in order', async () => {
    const input = manyLines(50_000)
    // As fast as they go, a receiver that gets no core for a while loses some: the kernel's buffer is full in a tenth of a second.
    const paced = ['--rate', '25000']
    const { sent, collected, ledger } = await roundTrip(input, 50_000, ...lossless, ...paced)
    expect(sent).toMatchObject({ code: 0, stderr: '' })
    expect(collected.code).toBe(0)
    expect(collected.stdout.equals(Buffer.from(input))).toBe(true)
    expect(ledger).toMatchObject({
      kind: 'ledger',
      totals: { received: 50_000, lost: 0 },
      sinks: [{ handed: 50_000 }],
    })
  })

  it('bring it over through a small ring, by IPv6, in numbered datagrams, one line each', async () => {
    const input = manyLines(2000)
    const { command, port } = await collecting('--host', '::1', '--exit-after-lines', '2000')
    const flags = ['--capacity', '16', '--one-per-datagram', '--sequence', '--no-metadata', '--json']
    const sent = await run(['send', ...flags, `[::1]:${port}`], input)
    expect(sent.code).toBe(0)
    expect(lastRecord(sent.stderr)).toMatchObject({ kind: 'ledger', offered: 2000, sent: 2000, dropped: 0 })
    expect(String((await command.ended).stdout)).toBe(input)
  })

  it('send what comes as it is: CRLF, no newline at the end, empty lines; and count what cannot go', async () => {
    const tooLong = 'y'.repeat(3000)
    const endless = 'z'.repeat(200_000)
    const input = Buffer.concat([
      Buffer.from('a\r\n\n\r\nb\n'),
      Buffer.from(`${tooLong}\n${endless}\n`),
      Buffer.from([0xff, 0xfe, 0x0a]),
      Buffer.from('the end has no newline'),
    ])
    const { command, port } = await collecting('--exit-after-lines', '3')
    const { code, stderr } = await run(['send', '--no-metadata', '--json', `127.0.0.1:${port}`], input)
    // The two that fit no datagram are lost on this side, and said so.
    expect(code).toBe(1)
    expect(lastRecord(stderr)).toMatchObject({ offered: 6, sent: 4, dropped: 2, droppedBy: { oversize: 2 } })
    // What is not UTF-8 is sent as it is: that it is not is the receiver's to say.
    const collected = await command.ended
    expect(String(collected.stdout)).toBe('a\nb\nthe end has no newline\n')
    expect(lastRecord(collected.stderr)).toMatchObject({ totals: { received: 3, invalidUtf8: 1, lost: 0 } })
  })

  it('send the metadata that they are told to', async () => {
    const { collected } = await roundTrip(
      'a\n',
      2,
      '--field',
      'service=checkout',
      '--field',
      'note=a=b',
      '--quiet',
    )
    const [metadata, event] = String(collected.stdout).split('\n')
    expect(JSON.parse(metadata!)).toMatchObject({ event: 'agent_init', service: 'checkout', note: 'a=b' })
    expect(event).toBe('a')
  })

  it('go no faster than they are told to', async () => {
    const started = performance.now()
    const { sent } = await roundTrip(manyLines(100), 100, '--rate', '200', ...lossless)
    expect(sent.code).toBe(0)
    expect(performance.now() - started).toBeGreaterThan(450)
  })

  it('with --drop never hold the pipe up, and say what that has cost', async () => {
    const { command, port } = await collecting()
    const flags = ['--drop', '--capacity', '8', '--no-metadata', '--json']
    const sent = await run(['send', ...flags, `127.0.0.1:${port}`], manyLines(50_000))
    const {
      offered,
      sent: went,
      droppedBy,
    } = lastRecord(sent.stderr) as unknown as {
      offered: number
      sent: number
      droppedBy: Record<string, number>
    }
    expect(offered).toBe(50_000)
    expect(droppedBy.overwritten).toBeGreaterThan(0)
    expect(went + droppedBy.overwritten!).toBe(50_000)
    // That was what was asked for.
    expect(sent.code).toBe(0)
    await command.kill('SIGTERM')
  })
})

describe('a signal', () => {
  it('ends send with everything accepted sent', async () => {
    for (const [signal, code] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const) {
      const { command, port } = await collecting()
      const sender = new RunningCommand(['send', '--no-metadata', '--json', `127.0.0.1:${port}`])
      sender.child.stdin!.write(manyLines(1000)) // and no end
      await sender.says(/"kind":"stats".*"sent":1000/)
      sender.child.kill(signal)
      const ended = await sender.ended
      expect(ended.code).toBe(code)
      expect(lastRecord(ended.stderr)).toMatchObject({
        kind: 'ledger',
        offered: 1000,
        sent: 1000,
        inRing: 0,
        dropped: 0,
      })
      await command.kill('SIGTERM')
      expect(lastRecord(command.stderr)).toMatchObject({ totals: { received: 1000, lost: 0 } })
    }
  })

  it('ends send in the middle of a flood, and the ledger is closed', async () => {
    const { command, port } = await collecting('--out', join(folder, 'out'))
    const sender = new RunningCommand(['send', '--no-metadata', '--json', `127.0.0.1:${port}`])
    const block = manyLines(2000)
    const { stdin } = sender.child
    const flood = () => {
      if (stdin!.writable) stdin!.write(block, flood)
    }
    flood()
    await sender.says(/"kind":"stats"/)
    sender.child.kill('SIGTERM')
    const ended = await sender.ended
    expect(ended.code).toBe(143)
    const ledger = lastRecord(ended.stderr) as unknown as { offered: number; sent: number }
    expect(ledger).toMatchObject({ sent: ledger.offered, inRing: 0, inFlight: 0, dropped: 0 })
    await command.kill('SIGTERM')
    const { totals } = lastRecord(command.stderr) as unknown as { totals: { received: number; lost: number } }
    expect(totals.received + totals.lost).toBe(ledger.sent)
  })

  it('ends collect with everything that came written', async () => {
    const out = join(folder, 'out.ndjson')
    const { command, port } = await collecting('--out', out)
    await run(['send', ...lossless, `127.0.0.1:${port}`], manyLines(5000))
    command.child.kill('SIGTERM')
    expect((await command.ended).code).toBe(143)
    expect(readFileSync(out, 'utf8')).toBe(manyLines(5000))
  })
})

describe('collect', () => {
  it('ends quietly when its reader has gone, as with | head -1', async () => {
    const { command, port } = await collecting()
    const sender = new RunningCommand([
      'send',
      '--no-metadata',
      '--quiet',
      '--rate',
      '20000',
      `127.0.0.1:${port}`,
    ])
    sender.input(manyLines(20_000))
    const [first] = (await once(command.child.stdout!, 'data')) as [Buffer]
    expect(String(first)).toContain(line(0))
    command.child.stdout!.destroy()
    const { code, stderr } = await command.ended
    expect(code).toBe(0)
    expect(
      stderr
        .trimEnd()
        .split('\n')
        .filter((said) => !/"kind":"(listening|stats)"/.test(said)),
    ).toEqual([])
    await sender.kill('SIGTERM')
  })

  it.skipIf(!existsSync('/dev/full'))('says so when a line that came could not be written', async () => {
    const { command, port } = await collecting('--out', '/dev/full')
    await run(['send', ...lossless, `127.0.0.1:${port}`], 'a\nb\n')
    await command.says(/"kind":"alert".*cannot be written to/)
    // Not 143: that would say that what had come was written.
    command.child.kill('SIGTERM')
    const { code, stderr } = await command.ended
    expect(code).toBe(1)
    expect(lastRecord(stderr)).toMatchObject({ totals: { received: 2 }, sinks: [{ handed: 0, failed: 2 }] })
  })

  it('rotates its file, and splits no line', async () => {
    const out = join(folder, 'out.ndjson')
    const flags = ['--out', out, '--rotate-bytes', '20k', '--rotate-files', '3', '--exit-after-lines', '1000']
    const { command, port } = await collecting(...flags)
    const input = manyLines(1000)
    await run(['send', ...lossless, `127.0.0.1:${port}`], input)
    expect((await command.ended).code).toBe(0)
    expect(readdirSync(folder).sort()).toEqual(['out.ndjson', 'out.ndjson.1', 'out.ndjson.2', 'out.ndjson.3'])
    const kept = ['.3', '.2', '.1', ''].map((end) => readFileSync(out + end, 'utf8'))
    for (const text of kept) expect(text).toMatch(/^\{[\s\S]*\}\n$/)
    expect(input.endsWith(kept.join(''))).toBe(true)
  })

  it('tells what it lost on purpose exactly, by heartbeats', async () => {
    // Of each hundred thousand runs about one loses all three of the last heartbeats, too: then nobody could tell.
    const { command, port } = await collecting('--lose', '2', '--seed', '3', '--out', join(folder, 'out'))
    const flags = ['--no-metadata', '--json', '--max-datagram', '1000', '--rate', '30000']
    const sent = lastRecord((await run(['send', ...flags, `127.0.0.1:${port}`], manyLines(20_000))).stderr)
    expect(sent.sent).toBe(20_000)
    await command.kill('SIGTERM')
    const ledger = lastRecord(command.stderr) as unknown as {
      totals: { received: number; lost: number }
      madeToLose: number
    }
    expect(ledger.madeToLose).toBeGreaterThan(0)
    expect(ledger.totals.lost).toBeGreaterThan(100)
    expect(ledger.totals.received + ledger.totals.lost).toBe(20_000)
  })

  it('takes what it may from whom it may, and says whom it refused', async () => {
    const { command, port } = await collecting('--allow', '10.0.0.0/8', '--allow', '192.168.0.0/16')
    await run(['send', ...lossless, '--no-heartbeat', `127.0.0.1:${port}`], 'a\nb\n')
    await command.kill('SIGTERM')
    expect(lastRecord(command.stderr)).toMatchObject({ refused: 1, totals: { received: 0 } })
    expect(String((await command.ended).stdout)).toBe('')
  })

  it('ends when its time is over, with a ledger for people', async () => {
    const { code, stderr } = await run(['collect', '--port', '0', '--for', '0.2'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^listening on 127\.0\.0\.1:\d+\n/)
    expect(stderr).toMatch(/lines received +0 .*\n +written +0 +standard output\n +not written +0/)
  })
})
