// Both ends of spillway on one wire: every event is in exactly one place.
import { Collector, type CollectorOptions } from 'spillway/collector'
import { UdpExporter, type UdpExporterOptions } from 'spillway/udp'
import { describe, expect, it } from 'vitest'

const EVENTS = 5000

/** Sends so many events through both, closes both, and says what either has counted. */
async function send(from: Partial<UdpExporterOptions>, to: Partial<CollectorOptions> = {}) {
  const lines: string[] = []
  const collector = await Collector.open({
    sink: (batch) => {
      lines.push(...batch)
    },
    ...to,
  })
  const exporter = await UdpExporter.open({
    host: '127.0.0.1',
    port: collector.address().port,
    metadata: false,
    ...from,
  })
  for (let i = 0; i < EVENTS; i++) exporter.encode({ event: 'process_exec', i })
  await exporter.close()
  await collector.close()
  return { lines, sent: exporter.stats(), came: collector.stats() }
}

describe('an exporter and a collector', () => {
  it('lose nothing on loopback, and agree about it', async () => {
    const { lines, sent, came } = await send({ capacity: EVENTS })
    expect(lines.map((line) => JSON.parse(line).i)).toEqual(Array.from({ length: EVENTS }, (_, i) => i))
    expect(came.totals).toMatchObject({ received: EVENTS, lost: 0, surplus: 0, droppedAtSource: 0 })
    expect(came.sources).toHaveLength(1)
    expect(came.sources[0]!.told).toMatchObject({ offered: EVENTS, sent: EVENTS, inRing: 0, dropped: 0 })
    expect(came.sources[0]!.flows[0]).toMatchObject({ isOver: true })
    expect(sent.sent).toBe(EVENTS)
  })

  it('account for everything when the ring is too small', async () => {
    const { lines, sent, came } = await send({ capacity: 16 })
    const { received, lost, droppedAtSource, droppedBy } = came.totals
    expect(sent.dropped).toBeGreaterThan(0)
    expect(droppedAtSource).toBe(sent.dropped)
    expect(droppedBy).toEqual({ overwritten: sent.droppedBy.overwritten })
    expect(received + lost + droppedAtSource).toBe(EVENTS)
    expect(lines).toHaveLength(received)
  })

  it.each([false, true])('account for everything when the network loses (numbered: %s)', async (sequence) => {
    const loseForTest = { percent: 20, seed: 5 }
    const { lines, came } = await send({ capacity: EVENTS, sequence, maxDatagramBytes: 300 }, { loseForTest })
    const { received, lost, lostDatagrams, gaps } = came.totals
    expect(lost).toBeGreaterThan(EVENTS / 10)
    expect(received + lost).toBe(EVENTS)
    expect(came.totals.sent).toBe(EVENTS)
    expect(lines).toHaveLength(received)
    if (sequence) {
      expect(gaps).toBeLessThanOrEqual(lostDatagrams) // those behind the last one that came have no gap
      expect(gaps).toBeGreaterThan(lostDatagrams - 20)
    } else expect(gaps).toBe(0)
  })

  it.each([false, 'deflate', 'brotli'] as const)(
    'pass on metadata (compression: %s)',
    async (metadataCompression) => {
      const { lines, came } = await send({ capacity: EVENTS, metadata: { fleet: 'a' }, metadataCompression })
      const metadata = lines.filter((line) => line.startsWith('{"event":"agent_init",'))
      expect(metadata).toHaveLength(1)
      expect(JSON.parse(metadata[0]!)).toMatchObject({ fleet: 'a', uptime: 'initialized at 0' })
      expect(came.totals).toMatchObject({ received: EVENTS + 1, lost: 0, surplus: 0 })
    },
  )
})
