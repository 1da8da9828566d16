// pino's lines at a collector, by a transport in pino's worker and by a destination without one; and what is there when the program has ended.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build as esbuild } from 'esbuild'
import pino from 'pino'
import { Collector } from 'spillway/collector'
import transport, { destination } from 'spillway/pino'
import { UdpExporter } from 'spillway/udp'
import { describe, expect, it, onTestFinished } from 'vitest'
import { deadPort } from '../support/exporters.ts'
import { until } from '../support/harness.ts'

const program = fileURLToPath(new URL('loggers/pino.mjs', import.meta.url))

interface Taking {
  collector: Collector
  events: Record<string, unknown>[]
  port: number
}

async function collecting(transport: 'udp' | 'gudp' = 'gudp'): Promise<Taking> {
  const events: Record<string, unknown>[] = []
  const collector = await Collector.open({
    transport,
    capacity: 2 ** 17,
    queueBytes: 2 ** 26,
    sink: (lines) => {
      for (const line of lines) events.push(JSON.parse(line))
    },
  })
  onTestFinished(() => collector.close())
  return { collector, events, port: collector.address().port }
}

function start(job: object) {
  const child = spawn(process.execPath, [program, JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stderr }))
  return { child, ended, line: once(createInterface({ input: child.stdout }), 'line') }
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

/** What was logged, once all that was sent has been taken. */
async function settled({ collector, events }: Taking): Promise<unknown[]> {
  await collector.close()
  return events.map(({ i }) => i)
}

describe.each(['transport', 'destination'])('pino by a %s', (by) => {
  it.each([
    ['returns', 0],
    ['exits', 0],
    ['throws', 1],
  ])('nothing is lost when the program %s right after it has logged', async (how, code) => {
    const taking = await collecting()
    const { ended } = start({ by, how, port: taking.port, count: 2000 })
    expect((await ended).code).toBe(code)
    expect(await settled(taking)).toEqual(numbers(2000))
    expect(taking.events[0]).toMatchObject({ level: 30, msg: 'an event', pid: expect.any(Number) })
  })

  it('flush calls back when the lines are with the collector', async () => {
    const taking = await collecting()
    const { line, child } = start({ by, how: 'flushes', port: taking.port, count: 5000 })
    expect((await line)[0]).toBe('flushed')
    expect(taking.collector.stats().totals.received).toBe(5000)
    child.kill('SIGKILL')
    expect(await settled(taking)).toEqual(numbers(5000))
  })

  it('child loggers', async () => {
    const taking = await collecting()
    await start({ by, how: 'has children', port: taking.port, count: 10 }).ended
    expect(await settled(taking)).toEqual(numbers(10))
    expect(taking.events[0]).toMatchObject({ level: 40, part: 'a' })
  })

  it('lines that fit no datagram are dropped, the others are not held up', async () => {
    const taking = await collecting()
    const job = { by, how: 'returns', port: taking.port, count: 100, pad: 3000 }
    const { code, stderr } = await start(job).ended
    expect([code, stderr]).toEqual([0, ''])
    expect(await settled(taking)).toEqual([])
    const others = { by, how: 'returns', count: 100, options: { maxDatagramBytes: 60_000 }, pad: 3000 }
    const again = await collecting()
    expect((await start({ ...others, port: again.port }).ended).code).toBe(0)
    expect(await settled(again)).toEqual(numbers(100))
  })

  it('nobody at the port: the program ends in time, and as it would have', async () => {
    const options = { transport: 'udp', closeTimeoutMs: 500 }
    const { code, stderr } = await start({ by, how: 'exits', port: 9, count: 100, options }).ended
    expect([code, stderr]).toEqual([0, ''])
  })
})

describe('the transport', () => {
  it('has the lines of a pipeline', async () => {
    const taking = await collecting()
    expect((await start({ by: 'pipeline', how: 'exits', port: taking.port, count: 1000 }).ended).code).toBe(0)
    expect(await settled(taking)).toEqual(numbers(1000))
  })

  it('pino-socket has none of the same burst of 50,000: its worker dies of it', async () => {
    const taking = await collecting('udp')
    const job = { by: 'pino-socket', how: 'returns', port: taking.port, count: 50_000 }
    const { code, stderr } = await start(job).ended
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/EMSGSIZE|_flushSync failed/)
    expect((await settled(taking)).length).toBeLessThan(50_000)
  })

  it('nobody answers over gudp, more lines than the ring holds: ends before pino gives up, by a transport and by targets', async () => {
    const port = await deadPort()
    const job = { how: 'returns', port, count: 1000, options: { capacity: 64 } }
    const ends = ['transport', 'targets'].map((by) => start({ ...job, by }).ended)
    for (const end of ends) expect(await end).toMatchObject({ code: 0, stderr: '' })
  })

  it('tells the program of losses, as `alert` events of the stream', async () => {
    const taking = await collecting()
    const job = { by: 'transport', how: 'hears of losses', port: taking.port, count: 10, pad: 3000 }
    const { line, ended } = start(job)
    expect((await line)[0]).toBe('oversize')
    expect(await ended).toMatchObject({ code: 0, stderr: '' })
  })

  it('takes nothing after its end: no error, and what came before is sent', async () => {
    const taking = await collecting()
    const options = { host: '127.0.0.1', port: taking.port, transport: 'gudp', metadata: false } as const
    const stream = await transport({ ...options, capacity: 4 })
    stream.on('error', expect.unreachable)
    for (let i = 0; i < 100; i++) stream.write(`{"i":${i}}\n`)
    stream.end()
    await new Promise<void>((resolve) => void stream.write('{"i":"late"}\n', () => resolve()))
    await once(stream, 'close')
    expect(stream.write('{"i":"later"}\n')).toBe(true)
    expect(await settled(taking)).toEqual(numbers(100))
  })

  it('has every line of a burst of 50,000, where one that sends each as it comes loses its worker', async () => {
    const taking = await collecting()
    const { code } = await start({ by: 'transport', how: 'returns', port: taking.port, count: 50_000 }).ended
    expect(code).toBe(0)
    expect(await settled(taking)).toEqual(numbers(50_000))
  })

  it('over plain UDP, too: what the kernel has taken is what was logged', async () => {
    const taking = await collecting('udp')
    const options = { transport: 'udp', heartbeatMs: 1000 }
    const job = { by: 'transport', how: 'returns', port: taking.port, count: 20_000, options }
    expect((await start(job).ended).code).toBe(0)
    await taking.collector.close()
    const { totals } = taking.collector.stats()
    expect(totals.received + totals.lost).toBe(20_000)
    expect(totals.droppedAtSource).toBe(0)
  })

  it('with drop: true lines do not wait, and what the ring has lost is told by its heartbeats', async () => {
    const taking = await collecting()
    const options = { drop: true, capacity: 64, heartbeatMs: 1000 }
    await start({ by: 'transport', how: 'returns', port: taking.port, count: 50_000, options }).ended
    await taking.collector.close()
    const { totals } = taking.collector.stats()
    expect(totals.received + totals.droppedAtSource).toBe(50_000)
  })

  it('several targets: each has its levels', async () => {
    const taking = await collecting()
    await start({ by: 'targets', how: 'logs at every level', port: taking.port, count: 1 }).ended
    await taking.collector.close()
    expect(taking.events.map(({ level_ }) => level_).sort()).toEqual(['error', 'error', 'info'])
  })

  it('SIGTERM: pino takes no signal, and what its worker has sent by then is there', async () => {
    const taking = await collecting()
    const { child, ended, line } = start({
      by: 'transport',
      how: 'is terminated',
      port: taking.port,
      count: 1000,
    })
    expect((await line)[0]).toBe('logged')
    await until(() => taking.events.length === 1000, 'they are there')
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ signal: 'SIGTERM', stderr: '' })
  })

  it('its worker is killed: what was flushed is there, and the program goes on to its end', async () => {
    const taking = await collecting()
    const job = { by: 'transport', how: 'loses its worker', port: taking.port, count: 500 }
    const { ended, line } = start(job)
    expect((await line)[0]).toBe('terminated')
    await ended
    expect(await settled(taking)).toEqual(numbers(500))
  })

  it.each([
    [{}, 'host must be'],
    [{ host: '127.0.0.1', port: 0 }, 'port must be'],
    [{ host: '127.0.0.1', port: 9, drop: 'yes' }, 'drop must be'],
    [{ host: '127.0.0.1', port: 9, handleSignals: true }, 'use destination()'],
    [{ host: '127.0.0.1', port: 9, closeTimeoutMs: 9000 }, 'at most 6000'],
  ])('options that are wrong: %j', async (options, told) => {
    await expect(transport(options as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(told),
    })
  })

  it('cuts lines wherever chunks are cut, and takes a last one without its newline', async () => {
    const taking = await collecting()
    const stream = await transport({
      host: '127.0.0.1',
      port: taking.port,
      transport: 'gudp',
      metadata: false,
    })
    const text = `${numbers(100)
      .map((i) => `{"i":${i},"ü":"€"}`)
      .join('\n')}`
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += 7) stream.write(bytes.subarray(at, at + 7))
    stream.end()
    await once(stream, 'close')
    expect(await settled(taking)).toEqual(numbers(100))
    expect(taking.events[0]).toEqual({ i: 0, ü: '€' })
  })
})

describe('the destination', () => {
  it('is synchronous: a line is in the ring when the logger returns', async () => {
    const { port, collector } = await collecting()
    const exporter = await UdpExporter.open({
      host: '127.0.0.1',
      port,
      transport: 'gudp',
      metadata: false,
      capacity: 65_536,
    })
    onTestFinished(() => exporter.close())
    const logger = pino(destination(exporter))
    for (let i = 0; i < 50_000; i++) logger.info({ i })
    expect(exporter.stats()).toMatchObject({ offered: 50_000, dropped: 0 })
    await exporter.flush({ timeoutMs: 20_000 })
    expect(collector.stats().totals.received).toBe(50_000)
  })

  it('leaves an exporter that it was given open at its end, and closes one of its own', async () => {
    const { port } = await collecting()
    const exporter = await UdpExporter.open({ host: '127.0.0.1', port, transport: 'gudp', metadata: false })
    onTestFinished(() => exporter.close())
    await new Promise<void>((resolve) => destination(exporter).end(resolve))
    expect(exporter.write('still open')).toBe(true)
    const own = await destination({ host: '127.0.0.1', port, transport: 'gudp', metadata: false })
    await new Promise<void>((resolve) => own.end(resolve))
    expect(() => own.exporter.write('closed')).toThrow()
  })

  it('a logger goes on after its end: lines are dropped, nothing is thrown', async () => {
    const taking = await collecting()
    const job = { by: 'destination', how: 'logs after the end', port: taking.port, count: 10 }
    expect(await start(job).ended).toMatchObject({ code: 0, stderr: '' })
    expect(await settled(taking)).toEqual(numbers(10))
  })

  it('has sent the last words when logger.fatal returns', async () => {
    const taking = await collecting()
    const job = { by: 'destination', how: 'says its last words', port: taking.port, count: 1000 }
    expect(await start(job).ended).toMatchObject({ signal: 'SIGKILL' })
    expect(await settled(taking)).toEqual(numbers(1001))
  })

  it('SIGTERM, with handleSignals: all is there, and the program ends by the signal', async () => {
    const taking = await collecting()
    const options = { handleSignals: true, maxDelayMs: 60_000 }
    const job = { by: 'destination', how: 'is terminated', port: taking.port, count: 1000, options }
    const { child, ended, line } = start(job)
    await line
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ signal: 'SIGTERM', stderr: '' })
    expect(await settled(taking)).toEqual(numbers(1000))
  })

  it('is not held again and again by a collector that does not answer', async () => {
    const to = { host: '127.0.0.1', port: await deadPort(), transport: 'gudp', closeTimeoutMs: 0 } as const
    await using own = await destination({ ...to, metadata: false })
    const logger = pino(own)
    const began = performance.now()
    for (let i = 0; i < 20; i++) logger.fatal({ i })
    expect(performance.now() - began).toBeLessThan(4000)
  })

  it('counts what comes after the end', async () => {
    const { port } = await collecting()
    const exporter = await UdpExporter.open({ host: '127.0.0.1', port, transport: 'gudp', metadata: false })
    const [ended, open] = [destination(exporter), destination(exporter)]
    expect(ended.write('{"i":0}\n')).toBe(true)
    await ended.close()
    expect(exporter.stats()).toMatchObject({ offered: 1, sent: 1 })
    expect([ended.write('{}'), open.write('{}')]).toEqual([false, true])
    await exporter.close()
    expect(open.write('{}')).toBe(false)
    expect([ended.refused, open.refused, exporter.stats().offered]).toEqual([1, 1, 2])
  })

  it('runs from a bundle with nothing beside it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-pino-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const outfile = join(folder, 'program.cjs')
    await esbuild({
      stdin: {
        contents: `
          import pino from 'pino'
          import { destination } from 'spillway/pino'
          destination(JSON.parse(process.argv[2])).then((to) => pino({ base: null, timestamp: false }, to).info({ i: 0 }))`,
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      },
      outfile,
      bundle: true,
      platform: 'node',
      format: 'cjs',
    })
    const taking = await collecting()
    const to = { host: '127.0.0.1', port: taking.port, transport: 'gudp', metadata: false }
    const child = spawn(process.execPath, [outfile, JSON.stringify(to)], { cwd: folder, stdio: 'inherit' })
    expect(await once(child, 'close')).toEqual([0, null])
    expect(await settled(taking)).toEqual([0])
  })

  it('one of several streams', async () => {
    const taking = await collecting()
    await start({ by: 'multistream', how: 'returns', port: taking.port, count: 10 }).ended
    expect(await settled(taking)).toEqual(numbers(10))
  })

  it('options that are wrong', async () => {
    await expect(destination({ host: '', port: 1 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })
})
