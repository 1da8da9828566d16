import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import pino from 'pino'
import { type Alert, type Logger, UdpExporter } from 'spillway/udp'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AlertLog, openExporter, openReceiver, TestThread } from '../support/exporters.ts'
import { ScriptedPool } from '../support/scripted-pool.ts'

/** Too long for any datagram: each is a drop. */
const TOO_LONG = 'x'.repeat(2000)

describe('alerts', () => {
  it('come at most once in alertIntervalMs for each reason, and their sums are exact', async () => {
    const INTERVAL_MS = 50
    const to = await openReceiver()
    const alerts = new AlertLog()
    const exporter = await openExporter({
      port: to.port,
      alertIntervalMs: INTERVAL_MS,
      capacity: 16,
      onAlert: alerts.add,
    })
    const began = performance.now()
    let rounds = 0
    while (performance.now() - began < 400) {
      for (let i = 0; i < 100; i++) exporter.write('fits')
      exporter.write(TOO_LONG)
      rounds++
      await new Promise(setImmediate)
    }
    await exporter.close()
    const elapsedMs = performance.now() - began
    const { offered, dropped, droppedBy } = exporter.stats()
    expect(offered).toBe(rounds * 101)
    expect(droppedBy.oversize).toBe(rounds)
    expect(droppedBy.overwritten).toBeGreaterThan(0)
    expect(alerts.dropped()).toEqual({ oversize: rounds, overwritten: droppedBy.overwritten })
    expect(rounds + droppedBy.overwritten!).toBe(dropped)
    for (const reason of ['oversize', 'overwritten']) {
      const own = alerts.all.flatMap((alert) =>
        alert.kind === 'drop' && alert.reason === reason ? [alert] : [],
      )
      expect(own.length).toBeGreaterThan(1)
      expect(own.length).toBeLessThanOrEqual(Math.ceil(elapsedMs / INTERVAL_MS) + 1)
      expect(own[0]!.sinceMs).toBe(0) // the first of a burst is told at once
      expect(own.at(-1)!.total).toBe(droppedBy[reason])
    }
  })

  it('say what happened and what to do', async () => {
    const to = await openReceiver()
    const alerts = new AlertLog()
    const exporter = await openExporter({ port: to.port, onAlert: alerts.add })
    exporter.write(TOO_LONG)
    await alerts.until(() => alerts.all.length > 0)
    expect(alerts.all[0]).toEqual({
      kind: 'drop',
      reason: 'oversize',
      events: 1,
      total: 1,
      sinceMs: 0,
      message: expect.stringMatching(/^1 event dropped \(oversize\): .*maxDatagramBytes/),
    })
  })

  it('of errors have the totals of stats', async () => {
    const codes = ['ENOBUFS', undefined, 'ECONNREFUSED', 'ECONNREFUSED', undefined, 'EPERM']
    let asked = 0
    const pool = new ScriptedPool(() => codes[asked++ % codes.length])
    const alerts = new AlertLog()
    const exporter = await openExporter({
      port: 9,
      pool: pool.factory,
      oneEventPerDatagram: true,
      alertIntervalMs: 5,
      onAlert: alerts.add,
    })
    for (let i = 0; i < 200; i++) {
      exporter.write(`${i}`)
      if (i % 10 === 0) await exporter.flush()
    }
    await exporter.close()
    const { errors, droppedBy } = exporter.stats()
    const told = alerts.failed()
    expect(Object.keys(told).sort()).toEqual(Object.keys(errors).sort())
    for (const [code, times] of Object.entries(errors))
      expect(told[code]).toEqual({ times, events: droppedBy[code] ?? 0 })
    expect(alerts.levels()).toContain('peer raised')
  })

  it('tell of a ring that fills up, and of one that is empty again', async () => {
    const pool = new ScriptedPool(() => 'never')
    const alerts = new AlertLog()
    const exporter = await openExporter({
      port: 9,
      pool: pool.factory,
      capacity: 100,
      maxDatagramBytes: 60_000,
      oneEventPerDatagram: true,
      alertIntervalMs: 5,
      onAlert: alerts.add,
    })
    for (let i = 0; i < 4; i++) exporter.write(`${i}`)
    await pool.hasBeenGiven(4)
    for (let i = 0; i < 90; i++) exporter.write(`${i}`)
    await alerts.until(() => alerts.levels().includes('queue raised'))
    const flushed = exporter.flush()
    const answering = setInterval(() => pool.release(), 1)
    await flushed
    clearInterval(answering)
    await exporter.close()
    expect(alerts.levels()).toEqual(['queue raised', 'queue recovered'])
    expect(exporter.stats().queue).toMatchObject({ highWater: 90, depth: 0 })
  })
})

describe('in another thread', () => {
  it('alerts come to whoever asked for them there', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port, alertIntervalMs: 5 })
    const body = `
      let sum = 0
      const seen = new Promise((resolve) => {
        const exporter = UdpExporter.from(data.handle, {
          onAlert: (alert) => {
            if (alert.reason !== 'oversize') return
            sum += alert.events
            if (sum === 30) exporter.close().then(() => resolve(alert.total))
          },
        })
      })
      const alive = setInterval(() => {}, 1000)
      post('ready')
      const total = await seen
      clearInterval(alive)
      return { sum, total }`
    const thread = new TestThread(body, { handle: exporter.handle })
    await thread.hasPosted(1)
    for (let i = 0; i < 30; i++) {
      exporter.write(TOO_LONG)
      await exporter.flush()
    }
    expect(await thread.result).toEqual({ sum: 30, total: 30 })
  })

  it('an endpoint that asks for none reads none, and as many as want may join', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port })
    const body = `
      const many = Array.from({ length: 100 }, () => UdpExporter.from(data.handle))
      for (const each of many) await each.close()
      return many.length`
    expect(await new TestThread(body, { handle: exporter.handle }).result).toBe(100)
  })

  it('as many may listen as the ring of alerts has places for; the next is refused, and leaves nothing behind', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port })
    const body = `
      const listening = []
      try {
        while (listening.length < 1000) listening.push(UdpExporter.from(data.handle, { onAlert() {} }))
      } catch (error) {
        const { code } = error
        const count = listening.length
        for (const each of listening.splice(0)) await each.close()
        const again = UdpExporter.from(data.handle, { onAlert() {} })
        await again.close()
        return { code, count }
      }`
    const { code, count } = (await new TestThread(body, { handle: exporter.handle }).result) as {
      code: string
      count: number
    }
    expect(code).toBe('ERR_TOO_MANY_READERS')
    expect(count).toBeGreaterThanOrEqual(32)
    await exporter.close()
    expect(() => UdpExporter.from(exporter.handle)).toThrowError(
      expect.objectContaining({ code: 'ERR_STALE_HANDLE' }),
    )
  })

  it('listening keeps no thread alive', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port })
    const thread = new TestThread(`UdpExporter.from(data.handle, { onAlert() {} }); return 'over'`, {
      handle: exporter.handle,
    })
    expect(await thread.result).toBe('over')
  })
})

describe('diagnostics_channel', () => {
  it('has every alert on the channel of its kind', async () => {
    const heard = new Map<string, unknown[]>()
    const alerts = new AlertLog()
    for (const kind of ['drop', 'error', 'level', 'metadata', 'warning']) {
      const listener = (message: unknown) => heard.set(kind, [...(heard.get(kind) ?? []), message])
      channel(`spillway:${kind}`).subscribe(listener)
      onTestFinished(() => void channel(`spillway:${kind}`).unsubscribe(listener))
    }
    const answers = [undefined, 'ECONNREFUSED']
    const pool = new ScriptedPool(() => answers.shift())
    const exporter = await openExporter({ port: 9, pool: pool.factory, metadata: {}, onAlert: alerts.add })
    await exporter.flush()
    exporter.write('refused once')
    exporter.write(TOO_LONG)
    await exporter.close()
    expect(new Set(alerts.all.map(({ kind }) => kind))).toEqual(
      new Set(['metadata', 'error', 'level', 'drop']),
    )
    expect([...heard.keys()].sort()).toEqual(['drop', 'error', 'level', 'metadata'])
    for (const [kind, messages] of heard) {
      expect(messages).toEqual(alerts.all.filter((alert) => alert.kind === kind))
    }
  })
})

describe('a callback that throws', () => {
  it('is survived, and reported once', async () => {
    const to = await openReceiver()
    const warnings: Error[] = []
    const listener = (warning: Error) => warnings.push(warning)
    process.on('warning', listener)
    onTestFinished(() => void process.off('warning', listener))
    const warned = once(process, 'warning')
    let calls = 0
    const exporter = await openExporter({
      port: to.port,
      alertIntervalMs: 1,
      onAlert: () => {
        calls++
        throw new Error('mine')
      },
    })
    for (let i = 0; i < 3; i++) {
      exporter.write(TOO_LONG)
      exporter.write(`fine ${i}`)
      await exporter.flush()
    }
    await exporter.close()
    await warned
    await to.hasLines(3)
    expect(to.lines()).toEqual(['fine 0', 'fine 1', 'fine 2'])
    expect(calls).toBeGreaterThan(0)
    expect(warnings.filter(({ message }) => message.includes('onAlert'))).toHaveLength(1)
    expect(warnings[0]).toMatchObject({ cause: expect.objectContaining({ message: 'mine' }) })
  })
})

describe('a logger', () => {
  const said = (alerts: AlertLog) =>
    alerts.all.find((alert): alert is Extract<Alert, { kind: 'drop' }> => alert.kind === 'drop')!

  it('like console gets the message, then the fields', async () => {
    const to = await openReceiver()
    const calls: [string, unknown[]][] = []
    const logger = Object.fromEntries(
      (['debug', 'info', 'warn', 'error'] as const).map((level) => [
        level,
        (...values: unknown[]) => void calls.push([level, values]),
      ]),
    ) as unknown as Logger
    const alerts = new AlertLog()
    const exporter = await openExporter({ port: to.port, logger, metadata: {}, onAlert: alerts.add })
    exporter.write(TOO_LONG)
    await exporter.close()
    const { message, ...fields } = said(alerts)
    expect(calls).toContainEqual(['warn', [`spillway: ${message}`, fields]])
    expect(calls).toContainEqual(['debug', ['spillway: Cached metadata event sent over UDP']])
  })

  it('may be pino', async () => {
    const to = await openReceiver()
    const lines: string[] = []
    const stream = new Writable({
      write(chunk, _, done) {
        lines.push(String(chunk))
        done()
      },
    })
    const alerts = new AlertLog()
    const exporter = await openExporter({
      port: to.port,
      logger: pino({ level: 'debug' }, stream),
      onAlert: alerts.add,
    })
    exporter.write(TOO_LONG)
    await exporter.close()
    const { message, ...fields } = said(alerts)
    const logged = lines.map((line) => JSON.parse(line))
    expect(logged).toContainEqual(
      expect.objectContaining({ level: 40, msg: `spillway: ${message}`, spillway: fields }),
    )
  })

  it('that is none is refused, and nothing is left behind', async () => {
    const to = await openReceiver()
    await expect(
      openExporter({ port: to.port, logger: { info() {} } as unknown as Logger }),
    ).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('logger'),
    })
  })
})
