import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { AlertLog, expectLaw, holdDeadPort, openExporter, openReceiver } from '../support/exporters.ts'
import { ScriptedPool } from '../support/scripted-pool.ts'
import { linesOf } from '../support/scripted-socket.ts'

const udp = new URL('../../dist/node/udp.js', import.meta.url).href

describe.each(['127.0.0.1', '::1'])('a port where nobody listens, at %s', (host) => {
  it('is noticed, counted and told of; nothing hangs, and who starts to listen there gets what comes then', async () => {
    const { port, release } = await holdDeadPort(host)
    const alerts = new AlertLog()
    const exporter = await openExporter({
      host,
      port,
      oneEventPerDatagram: true,
      alertIntervalMs: 10,
      thresholds: { peerRecoverMs: 100 },
      onAlert: alerts.add,
    })
    for (let i = 0; i < 20; i++) {
      exporter.write(`nobody hears ${i}`)
      await exporter.flush()
    }
    await alerts.until(() => alerts.levels().includes('peer raised'))
    expectLaw(exporter.stats())
    const { sent, dropped, errors } = exporter.stats()
    expect(sent + dropped).toBe(20)
    expect(errors.ECONNREFUSED).toBeGreaterThan(0)

    await release()
    const to = await openReceiver({ address: host, port })
    const late = ['first', 'second', 'third']
    for (const line of late) {
      exporter.write(line) // the first may still get the answer to one before it, and is sent again
      await exporter.flush()
    }
    await to.hasLines(3)
    expect(to.lines()).toEqual(late)
    await alerts.until(() => alerts.levels().includes('peer recovered'))
    await exporter.close()
    const stats = exporter.stats()
    expectLaw(stats)
    expect(stats).toMatchObject({ offered: 23, inRing: 0, inFlight: 0 })
    expect(alerts.failed().ECONNREFUSED).toEqual({
      times: stats.errors.ECONNREFUSED,
      events: stats.droppedBy.ECONNREFUSED ?? 0,
    })
  })
})

describe('a datagram that is too long', () => {
  // What the kernel takes: 65,535 bytes with the headers of UDP and IPv4, of UDP alone over IPv6.
  it.each([
    ['127.0.0.1', 65_507],
    ['::1', 65_527],
  ])('is dropped and counted, and nothing else is, at %s', async (host, longest) => {
    const to = await openReceiver({ address: host })
    const exporter = await openExporter({
      host,
      port: to.port,
      maxDatagramBytes: 65_535,
      oneEventPerDatagram: true,
    })
    const fits = 'f'.repeat(longest - 1)
    const doesNot = 'x'.repeat(longest)
    for (const line of ['before', fits, doesNot, 'after']) expect(exporter.write(line)).toBe(true)
    await exporter.flush()
    await to.hasLines(3)
    expect(to.lines()).toEqual(['before', fits, 'after'])
    expectLaw(exporter.stats())
    expect(exporter.stats()).toMatchObject({
      offered: 4,
      sent: 3,
      dropped: 1,
      droppedBy: { EMSGSIZE: 1 },
      errors: { EMSGSIZE: 1 },
    })
  })

  it('goes line by line if it has several', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port, maxDatagramBytes: 65_535, maxDelayMs: 1000 })
    const lines = ['1', '2', '3', '4'].map((digit) => digit.repeat(16_380)) // 65,524 bytes together
    for (const line of lines) exporter.write(line)
    await exporter.flush()
    await to.hasLines(4)
    expect(to.lines()).toEqual(lines)
    expect(to.datagrams).toHaveLength(4)
    expect(exporter.stats()).toMatchObject({ offered: 4, sent: 4, dropped: 0, errors: { EMSGSIZE: 1 } })
  })

  it('has each line that fits a narrow network arrive, and each that does not counted once', async () => {
    const alerts = new AlertLog()
    const pool = new ScriptedPool((datagram) => (datagram.length > 500 ? 'EMSGSIZE' : undefined))
    const exporter = await openExporter({
      port: 9,
      maxDatagramBytes: 1400,
      maxDelayMs: 1000,
      pool: pool.factory,
      onAlert: alerts.add,
    })
    const lengths = Array.from({ length: 100 }, (_, i) => 10 + ((i * 137) % 790))
    const lines = lengths.map((length, i) => `${i} `.padEnd(length, '.'))
    for (const line of lines) exporter.write(line)
    await exporter.flush()
    const fitting = lines.filter((line) => line.length < 500)
    expect(linesOf(pool.taken()).sort()).toEqual(fitting.sort()) // datagrams that go line by line overtake one another
    await exporter.close()
    expectLaw(exporter.stats())
    const dropped = 100 - fitting.length
    expect(exporter.stats()).toMatchObject({
      sent: fitting.length,
      dropped,
      droppedBy: { EMSGSIZE: dropped },
    })
    expect(alerts.failed().EMSGSIZE?.events).toBe(dropped)
  })
})

describe('a kernel without room', () => {
  it.each([
    [1, 1],
    [2, 1],
    [3, 1],
    [4, 0],
    [5, 0],
  ])('that refuses %i times has %i of one event', async (refusals, sent) => {
    const answers = Array.from({ length: refusals }, () => 'ENOBUFS')
    const pool = new ScriptedPool(() => answers.shift())
    const exporter = await openExporter({ port: 9, pool: pool.factory })
    exporter.write('x')
    const began = performance.now()
    await exporter.flush()
    const waitedMs = [1, 5, 21][Math.min(refusals, 3) - 1]!
    expect(performance.now() - began).toBeGreaterThanOrEqual(waitedMs - 1.5)
    expect(pool.sockets[0]!.given).toHaveLength(Math.min(refusals + 1, 4))
    expectLaw(exporter.stats())
    expect(exporter.stats()).toMatchObject({
      sent,
      dropped: 1 - sent,
      errors: { ENOBUFS: Math.min(refusals, 4) },
    })
  })

  it('is a matter of time with a tiny send buffer and datagrams of 60 KB: everything is accounted for', async () => {
    const to = await openReceiver({ recvBufferBytes: 4096 })
    const exporter = await openExporter({
      port: to.port,
      sendBufferBytes: 1,
      maxDatagramBytes: 60_001,
      oneEventPerDatagram: true,
      capacity: 256,
    })
    for (let i = 0; i < 200; i++) exporter.write(`${i} `.padEnd(60_000, 'x'))
    await exporter.flush()
    const stats = exporter.stats()
    expectLaw(stats)
    expect(stats).toMatchObject({ offered: 200, inRing: 0, inFlight: 0 })
    expect(stats.sent).toBe(stats.datagrams)
  })

  it('says when the send buffer is not what was asked for, and on it goes', async () => {
    const to = await openReceiver()
    const alerts = new AlertLog()
    const exporter = await openExporter({ port: to.port, sendBufferBytes: 1 << 30, onAlert: alerts.add })
    exporter.write('x')
    await to.hasLines(1)
    await alerts.until(() => alerts.all.some(({ kind }) => kind === 'warning'))
    expect(alerts.all).toContainEqual(
      expect.objectContaining({
        kind: 'warning',
        message: expect.stringMatching(/send buffer .* instead of 1073741824/),
      }),
    )
  })
})

describe('a process without a file descriptor left', () => {
  // Uses up what it may open, writes, gives it back.
  const script = `
    import { closeSync, openSync } from 'node:fs'
    import { UdpExporter } from ${JSON.stringify(udp)}
    const alerts = []
    let refused = () => {}
    const exporter = await UdpExporter.open({
      host: '127.0.0.1', port: Number(process.argv[1]), metadata: false, heartbeatMs: false, alertIntervalMs: 1,
      onAlert: (alert) => {
        alerts.push(alert)
        if (alert.kind === 'error' && alert.total >= 4) refused()
      },
    })
    const alive = setInterval(() => {}, 1000)
    const taken = []
    try {
      for (;;) taken.push(openSync('/dev/null'))
    } catch {}
    const began = performance.now()
    for (let i = 0; i < 10; i++) exporter.write('event ' + i)
    await new Promise((resolve) => { refused = resolve })
    const ms = performance.now() - began
    for (const file of taken) closeSync(file)
    await exporter.flush()
    const stats = exporter.stats()
    await exporter.close()
    clearInterval(alive)
    console.log(JSON.stringify({ ms, stats, codes: [...new Set(alerts.map(({ code }) => code))] }))`

  it('keeps its events, asks again ten times a second, and sends when there is one', async () => {
    const to = await openReceiver()
    const arguments_ = ['--input-type=module', '--eval', script, '--', String(to.port)]
    const child = spawn('sh', ['-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, ...arguments_], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [output] = await Promise.all([text(child.stdout!), once(child, 'exit')])
    const { ms, stats, codes } = JSON.parse(output)
    expect(codes).toEqual(['EMFILE'])
    expect(ms).toBeGreaterThanOrEqual(299) // four tries, a tenth of a second between them
    expectLaw(stats)
    expect(stats).toMatchObject({ offered: 10, sent: 10, dropped: 0, pool: { size: 1, opened: 1 } })
    expect(stats.errors.EMFILE).toBeLessThanOrEqual(1 + Math.ceil(ms / 100) + 1)
    await to.hasLines(10)
  })
})
