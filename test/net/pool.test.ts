import { UdpExporter } from 'spillway/udp'
import { describe, expect, it } from 'vitest'
import { AlertLog, deadPort, expectLaw, openExporter, openReceiver } from '../support/exporters.ts'
import { ScriptedPool } from '../support/scripted-pool.ts'

describe('the pool', () => {
  it('opens no socket before there is a datagram, and one for all that come', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port })
    await exporter.flush()
    expect(exporter.stats().pool).toEqual({
      size: 0,
      max: 10,
      hits: 0,
      misses: 0,
      hitRate: 0,
      opened: 0,
      replaced: 0,
    })
    for (let i = 0; i < 50; i++) {
      exporter.write(`${i}`)
      await exporter.flush()
    }
    const { pool } = exporter.stats()
    expect(pool).toMatchObject({ size: 1, opened: 1, misses: 1, replaced: 0 })
    expect(pool.hits).toBeGreaterThanOrEqual(50)
    expect(pool.hitRate).toBeCloseTo(pool.hits / (pool.hits + pool.misses))
    await to.hasLines(50)
    expect(new Set(to.ports).size).toBe(1)
    await exporter.close()
    expect(exporter.stats().pool.size).toBe(0)
  })

  it('keeps to its bound under load', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({
      port: to.port,
      poolSize: 2,
      capacity: 1 << 15,
      recordBytes: 512,
      oneEventPerDatagram: true,
    })
    for (let i = 0; i < 20_000; i++) exporter.write('x'.repeat(500))
    await exporter.flush()
    const { pool, sent } = exporter.stats()
    expect(sent).toBe(20_000)
    expect(pool.size).toBeLessThanOrEqual(2)
    expect(pool.max).toBe(2)
  })

  it('that gets no socket says so, asks again a few times a second, and ends when it is told to', async () => {
    const alerts = new AlertLog()
    // Connecting to the broadcast address is not allowed without asking for it.
    const exporter = await openExporter({
      host: '255.255.255.255',
      port: 9,
      closeTimeoutMs: 350,
      alertIntervalMs: 1,
      onAlert: alerts.add,
    })
    exporter.write('nowhere to go')
    await alerts.until(() => alerts.failed().EACCES !== undefined)
    await exporter.close()
    const stats = exporter.stats()
    expectLaw(stats)
    expect(stats).toMatchObject({
      offered: 1,
      sent: 0,
      dropped: 1,
      droppedBy: { closed: 1 },
      pool: { size: 0, opened: 0 },
    })
    expect(stats.errors.EACCES).toBeGreaterThanOrEqual(2)
    expect(stats.errors.EACCES).toBeLessThanOrEqual(10)
  })
})

describe("a user's own pool", () => {
  it('is used, and its counts are what stats tells', async () => {
    const pool = new ScriptedPool()
    const exporter = await openExporter({ port: 9, pool: pool.factory, poolSize: 3 })
    for (let i = 0; i < 20; i++) {
      exporter.write(`${i}`)
      await exporter.flush()
    }
    expect(pool.counts.hits).toBeGreaterThanOrEqual(20)
    expect(exporter.stats().pool).toEqual({
      size: 1,
      max: 3,
      hits: pool.counts.hits,
      misses: 1,
      hitRate: pool.counts.hits / (pool.counts.hits + 1),
      opened: 1,
      replaced: 0,
    })
    await exporter.close()
    expect(pool.isClosed).toBe(true)
  })

  it('is told of what spoils a socket, and of nothing else', async () => {
    const answers = [
      undefined,
      'EAGAIN',
      undefined,
      'ECONNREFUSED',
      undefined,
      'EMSGSIZE',
      'EPERM',
      undefined,
    ]
    const pool = new ScriptedPool(() => answers.shift())
    const exporter = await openExporter({ port: 9, pool: pool.factory })
    for (let i = 0; i < 6; i++) {
      exporter.write(`${i}`)
      await exporter.flush()
    }
    expect(pool.reported).toEqual(['EPERM'])
    expect(exporter.stats()).toMatchObject({
      offered: 6,
      sent: 4,
      droppedBy: { EMSGSIZE: 1, EPERM: 1 },
      pool: { size: 1, opened: 2, replaced: 1 },
    })
  })

  it('may send over the sockets that the exporter opens', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({
      port: to.port,
      pool: (context) => {
        const counts = { hits: 0, misses: 1, replaced: 0, size: 0 }
        let flow: ReturnType<typeof context.flow> | undefined
        void context.connect().then((socket) => {
          flow = context.flow(socket)
          counts.size = 1
          context.onReady()
        })
        return {
          counts,
          acquire: () => flow,
          report: () => {},
          flows: () => (flow ? [flow] : []),
          close: () => flow?.socket.close(),
        }
      },
    })
    exporter.encode({ over: 'a real socket' })
    await exporter.flush()
    await to.hasLines(1)
    expect(to.lines()).toEqual(['{"over":"a real socket"}'])
  })

  it('that cannot be made has open reject, and nothing is left behind', async () => {
    const opening = UdpExporter.open({
      host: '127.0.0.1',
      port: await deadPort(),
      pool: () => {
        throw new Error('no pool today')
      },
    })
    await expect(opening).rejects.toThrowError('no pool today')
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port })
    exporter.write('another works')
    await to.hasLines(1)
  })
})
