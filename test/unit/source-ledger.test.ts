import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LedgerTables, tally } from '../../src/net/ledger-tables.ts'
import type { SourceFlow } from '../../src/net/source-flow.ts'
import { SourceLedger } from '../../src/net/source-ledger.ts'
import { lookUpSource, readLedgerTables } from '../../src/net/source-stats.ts'
import type { Heartbeat } from '../../src/net/wire-lines.ts'
import { VirtualClock } from '../../src/sim/network/virtual-clock.ts'

const EXPORTER = '0123456789abcdef'
const ANOTHER = 'fedcba9876543210'

/** A ledger, and what an exporter would tell it. */
function rig(maxSources = 8) {
  const clock = new VirtualClock()
  const tables = LedgerTables.create(maxSources)
  const lost: number[] = []
  const dropped: number[] = []
  const ledger = new SourceLedger({
    tables,
    clock,
    onLost: (_, lines) => lost.push(lines),
    onDropped: (_, events) => dropped.push(events),
  })
  const arrive = (flow: SourceFlow, lines: number) => {
    flow.add(tally.datagrams, 1)
    flow.add(tally.received, lines)
    flow.arrived(lines)
  }
  return { clock, tables, ledger, lost, dropped, arrive, stats: () => readLedgerTables(tables) }
}

/** By default of an exporter that was there long before us. */
function beatOf(fields: Partial<Heartbeat> = {}): Heartbeat {
  return {
    source: EXPORTER,
    flow: 1,
    seq: 0,
    time: '2026-11-20T10:00:00.000Z',
    started: '2026-11-01T10:00:00.000Z',
    last: false,
    lines: 0,
    datagrams: 0,
    bytes: 0,
    offered: 0,
    sent: 0,
    inRing: 0,
    dropped: 0,
    droppedBy: {},
    ...fields,
  }
}

describe('lines lost on the network', () => {
  it('are what was sent before the latest heartbeat and had not come by then', () => {
    const { ledger, arrive, stats, lost } = rig()
    const flow = ledger.flowOf('10.0.0.1', 4000)
    ledger.heartbeat(flow, beatOf())
    arrive(flow, 5)
    arrive(flow, 5)
    ledger.heartbeat(flow, beatOf({ seq: 1, lines: 20, datagrams: 4 }))
    arrive(flow, 5)
    expect(stats().totals).toMatchObject({
      received: 15,
      lost: 10,
      lostDatagrams: 2,
      surplus: 0,
      heartbeats: 2,
    })
    ledger.heartbeat(flow, beatOf({ seq: 2, lines: 25, datagrams: 5 }))
    expect(stats().totals).toMatchObject({ received: 15, lost: 10, lostDatagrams: 2 })
    expect(lost).toEqual([10])
  })

  it('are not those that a heartbeat overtook', () => {
    const { ledger, arrive, stats } = rig()
    const flow = ledger.flowOf('10.0.0.1', 4000)
    ledger.heartbeat(flow, beatOf())
    ledger.heartbeat(flow, beatOf({ seq: 1, lines: 5, datagrams: 1 }))
    expect(stats().totals.lost).toBe(5)
    arrive(flow, 5)
    ledger.heartbeat(flow, beatOf({ seq: 2, lines: 5, datagrams: 1 }))
    expect(stats().totals.lost).toBe(0)
  })

  it('do not change with a heartbeat that comes again, or late', () => {
    const { ledger, arrive, stats } = rig()
    const flow = ledger.flowOf('10.0.0.1', 4000)
    const beats = [0, 1, 2].map((seq) => beatOf({ seq, lines: 10 * seq, datagrams: 2 * seq }))
    for (const beat of beats) ledger.heartbeat(flow, beat)
    expect(stats().totals.lost).toBe(20)
    ledger.heartbeat(flow, beats[1]!)
    expect(stats().totals.lost).toBe(20)
    arrive(flow, 5) // sent after the latest
    ledger.heartbeat(flow, beats[2]!)
    expect(stats().totals).toMatchObject({ lost: 20, lostDatagrams: 4, heartbeats: 5 })
  })

  it('are known at once after the last heartbeat, which may come three times, and too early', () => {
    const { ledger, arrive, stats } = rig()
    const flow = ledger.flowOf('10.0.0.1', 4000)
    ledger.heartbeat(flow, beatOf())
    const last = beatOf({ seq: 1, lines: 12, datagrams: 3, last: true })
    for (let times = 0; times < 3; times++) ledger.heartbeat(flow, last)
    arrive(flow, 5)
    expect(stats().totals).toMatchObject({ lost: 7, lostDatagrams: 2, heartbeats: 4 })
    expect(stats().sources[0]!.flows[0]!.isOver).toBe(true)
  })

  it('count from the first heartbeat on when the exporter was there before us', () => {
    const { ledger, arrive, stats } = rig()
    const flow = ledger.flowOf('10.0.0.1', 4000)
    arrive(flow, 5)
    ledger.heartbeat(flow, beatOf({ seq: 7, lines: 1000, datagrams: 200 }))
    expect(stats().totals.lost).toBe(0)
    ledger.heartbeat(flow, beatOf({ seq: 8, lines: 1003, datagrams: 201 }))
    expect(stats().totals).toMatchObject({ sent: 3, lost: 3, lostDatagrams: 1 })
  })

  it('count from the beginning when its first heartbeats were lost, but it is younger than we are', () => {
    const { ledger, clock, arrive, stats } = rig()
    clock.advance(5000)
    const flow = ledger.flowOf('10.0.0.1', 4000)
    arrive(flow, 5)
    // Four seconds old by its own clock, which is years behind ours.
    const young = { started: '2001-01-01T00:00:00.000Z', time: '2001-01-01T00:00:04.000Z' }
    ledger.heartbeat(
      flow,
      beatOf({ seq: 2, lines: 100, datagrams: 20, ...young, dropped: 4, droppedBy: { full: 4 } }),
    )
    expect(stats().totals).toMatchObject({ lost: 95, lostDatagrams: 19, droppedAtSource: 4 })
  })

  it('do not, when we have forgotten somebody since: it may have been this one', () => {
    const { ledger, clock, stats } = rig(1)
    clock.advance(5000)
    ledger.flowOf('10.0.0.2', 1)
    clock.advance(2000)
    const flow = ledger.flowOf('10.0.0.1', 4000)
    clock.advance(1000)
    const young = { started: '2026-11-20T09:59:56.000Z' }
    ledger.heartbeat(flow, beatOf({ seq: 2, lines: 100, datagrams: 20, ...young }))
    expect(stats().totals.lost).toBe(0)
  })

  it('are not those that came doubled: there is a surplus', () => {
    const { ledger, arrive, stats } = rig()
    const flow = ledger.flowOf('10.0.0.1', 4000)
    ledger.heartbeat(flow, beatOf())
    for (const lines of [5, 5, 5]) arrive(flow, lines)
    ledger.heartbeat(flow, beatOf({ seq: 1, lines: 10, datagrams: 2 }))
    expect(stats().totals).toMatchObject({ lost: 0, surplus: 5 })
  })

  it('are what they were for an exporter whose address and port another has now', () => {
    const { ledger, arrive, stats } = rig()
    const flow = ledger.flowOf('10.0.0.1', 4000)
    ledger.heartbeat(flow, beatOf())
    ledger.heartbeat(flow, beatOf({ seq: 1, lines: 10, datagrams: 2 }))
    ledger.heartbeat(flow, beatOf({ source: ANOTHER }))
    expect(stats().totals.lost).toBe(10)
    arrive(flow, 5)
    ledger.heartbeat(flow, beatOf({ source: ANOTHER, seq: 1, lines: 8, datagrams: 2 }))
    expect(stats().totals).toMatchObject({ sent: 18, lost: 13, lostDatagrams: 3, received: 5 })
    expect(stats().sources.map(({ id }) => id)).toEqual([ANOTHER])
  })

  it('are not guessed at for an exporter that has the address and port of another, and whose beginning was not seen', () => {
    const { ledger, clock, stats } = rig()
    clock.advance(5000)
    const young = { started: '2026-11-20T09:59:56.000Z' }
    const flow = ledger.flowOf('10.0.0.1', 4000)
    ledger.heartbeat(flow, beatOf(young))
    // What came since then may have been of either.
    ledger.heartbeat(flow, beatOf({ ...young, source: ANOTHER, seq: 3, lines: 100, datagrams: 20 }))
    expect(stats().totals.lost).toBe(0)
  })

  it('are exact whatever the network does to datagrams and heartbeats, once the last heartbeat has come', () => {
    const datagram = fc.record({
      lines: fc.integer({ min: 1, max: 9 }),
      isLost: fc.boolean(),
      beat: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(datagram, { maxLength: 60 }), fc.boolean(), (datagrams, firstIsLost) => {
        const { ledger, clock, arrive, stats } = rig()
        clock.advance(10)
        const flow = ledger.flowOf('10.0.0.1', 4000)
        const young = { started: '2026-11-20T09:59:59.995Z' }
        let [sent, came, seq] = [0, 0, 1]
        if (!firstIsLost) ledger.heartbeat(flow, beatOf(young))
        for (const [i, { lines, isLost, beat }] of datagrams.entries()) {
          sent += lines
          if (!isLost) {
            came += lines
            arrive(flow, lines)
          }
          if (beat) ledger.heartbeat(flow, beatOf({ ...young, seq: seq++, lines: sent, datagrams: i + 1 }))
        }
        const last = beatOf({ ...young, seq, lines: sent, datagrams: datagrams.length, last: true })
        ledger.heartbeat(flow, last)
        expect(stats().totals).toMatchObject({ sent, received: came, lost: sent - came, surplus: 0 })
      }),
    )
  })
})

describe('what an exporter tells of itself', () => {
  const told = { offered: 130, sent: 100, inRing: 10, dropped: 20, droppedBy: { full: 15, oversize: 5 } }

  it('is its ledger, for all its flows together', () => {
    const { ledger, stats, arrive } = rig()
    const flows = [4000, 4001].map((port) => ledger.flowOf('10.0.0.1', port))
    flows.forEach((flow, i) => {
      ledger.heartbeat(flow, beatOf({ flow: i + 1 }))
      arrive(flow, 50)
    })
    ledger.heartbeat(flows[1]!, beatOf({ flow: 2, seq: 1, lines: 50, datagrams: 1, ...told }))
    const { sources, totals } = stats()
    expect(sources).toHaveLength(1)
    expect(sources[0]).toMatchObject({ id: EXPORTER, received: 100, droppedAtSource: 20, told })
    expect(sources[0]!.flows.map(({ port, received }) => [port, received])).toEqual([
      [4000, 50],
      [4001, 50],
    ])
    expect(totals).toMatchObject({ droppedAtSource: 20, droppedBy: { full: 15, oversize: 5 } })
  })

  it('is of our time only: what it dropped before we were there is not in our sums', () => {
    const { ledger, stats, dropped } = rig()
    const flow = ledger.flowOf('10.0.0.1', 4000)
    ledger.heartbeat(flow, beatOf({ seq: 9, ...told }))
    expect(stats().totals).toMatchObject({ droppedAtSource: 0, droppedBy: {} })
    const later = {
      offered: 140,
      sent: 105,
      dropped: 25,
      droppedBy: { full: 17, oversize: 5, rawNewline: 3 },
    }
    ledger.heartbeat(flow, beatOf({ seq: 10, ...later }))
    expect(stats().totals).toMatchObject({ droppedAtSource: 5, droppedBy: { full: 2, rawNewline: 3 } })
    expect(stats().sources[0]!.told).toMatchObject(later)
    expect(dropped).toEqual([5])
  })

  it('never goes backwards, though heartbeats overtake one another', () => {
    const { ledger, stats } = rig()
    const flows = [4000, 4001].map((port) => ledger.flowOf('10.0.0.1', port))
    ledger.heartbeat(flows[0]!, beatOf({ flow: 1 }))
    ledger.heartbeat(flows[0]!, beatOf({ flow: 1, seq: 1, ...told }))
    ledger.heartbeat(
      flows[1]!,
      beatOf({ flow: 2, offered: 50, sent: 40, dropped: 3, droppedBy: { full: 3 } }),
    )
    expect(stats().sources[0]).toMatchObject({ told, droppedAtSource: 20 })
  })

  it('is still counted once it is forgotten', () => {
    const { ledger, stats } = rig(1)
    const flow = ledger.flowOf('10.0.0.1', 4000)
    ledger.heartbeat(flow, beatOf())
    ledger.heartbeat(flow, beatOf({ seq: 1, ...told }))
    ledger.flowOf('10.0.0.2', 1)
    expect(stats().others).toMatchObject({
      droppedAtSource: 20,
      droppedBy: { full: 15, oversize: 5 },
      heartbeats: 2,
    })
    expect(stats().totals).toMatchObject({ droppedAtSource: 20, heartbeats: 2 })
    const back = ledger.flowOf('10.0.0.1', 4000)
    ledger.heartbeat(
      back,
      beatOf({ seq: 2, ...told, offered: 200, dropped: 30, droppedBy: { full: 25, oversize: 5 } }),
    )
    expect(stats().totals.droppedAtSource).toBe(20)
  })
})

describe('numbered datagrams', () => {
  it('are known as lost, doubled, out of order, too late', () => {
    const { ledger, stats } = rig()
    const flow = ledger.flowOf('10.0.0.1', 4000)
    ledger.heartbeat(flow, beatOf())
    const verdicts = [0, 2, 2, 1, 5, 3000, 4].map((d) => ledger.sequence(flow, { source: EXPORTER, d }))
    expect(verdicts).toEqual(['new', 'new', 'duplicate', 'new', 'new', 'new', 'late'])
    expect(stats().totals).toMatchObject({ gaps: 2996, duplicates: 1, reordered: 1, late: 1 })
  })

  it('are missing from the first on, if the exporter began in our time', () => {
    const { ledger, clock, stats } = rig()
    clock.advance(5000)
    const flow = ledger.flowOf('10.0.0.1', 4000)
    const young = { started: '2026-11-20T09:59:56.000Z' }
    ledger.heartbeat(flow, beatOf({ ...young, seq: 1, lines: 50, datagrams: 10 }))
    ledger.sequence(flow, { source: EXPORTER, d: 10 })
    expect(stats().totals).toMatchObject({ gaps: 10, lostDatagrams: 10 })
  })

  it('begin anew with another exporter', () => {
    const { ledger, stats } = rig()
    const flow = ledger.flowOf('10.0.0.1', 4000)
    ledger.sequence(flow, { source: EXPORTER, d: 10 })
    ledger.sequence(flow, { source: EXPORTER, d: 12 })
    expect(ledger.sequence(flow, { source: ANOTHER, d: 10 })).toBe('new')
    expect(ledger.sequence(flow, { source: ANOTHER, d: 10 })).toBe('duplicate')
    expect(stats().totals).toMatchObject({ gaps: 1, duplicates: 1 })
  })
})

describe('sources', () => {
  it('that have told no name are told apart by address and port', () => {
    const { ledger, stats, arrive, clock } = rig()
    arrive(ledger.flowOf('10.0.0.1', 1), 1)
    arrive(ledger.flowOf('10.0.0.1', 2), 2)
    arrive(ledger.flowOf('10.0.0.2', 1), 3)
    clock.advance(10)
    arrive(ledger.flowOf('10.0.0.1', 1), 10)
    expect(stats().sources.map(({ id, received, flows }) => [id, received, flows.length])).toEqual([
      [undefined, 11, 1],
      [undefined, 2, 1],
      [undefined, 3, 1],
    ])
    const [first, second] = stats().sources
    expect(first!.lastSeen - second!.lastSeen).toBe(10)
  })

  it('can be looked up until they are forgotten', () => {
    const { ledger, tables } = rig(1)
    const flow = ledger.flowOf('fe80::1%eth0', 4000)
    expect(lookUpSource(tables, flow.row, flow.number)).toEqual({ address: 'fe80::1%eth0', port: 4000 })
    ledger.heartbeat(flow, beatOf())
    expect(lookUpSource(tables, flow.row, flow.number)).toMatchObject({ id: EXPORTER })
    const next = ledger.flowOf('10.0.0.2', 1)
    expect(next.row).toBe(flow.row)
    expect(lookUpSource(tables, flow.row, flow.number)).toBeUndefined()
  })

  it('are the last that were seen; sums of the others stay', () => {
    const { ledger, stats, arrive } = rig(3)
    for (let port = 1; port <= 4; port++) arrive(ledger.flowOf('10.0.0.1', port), port)
    expect(
      stats()
        .sources.map(({ flows }) => flows[0]!.port)
        .sort(),
    ).toEqual([2, 3, 4])
    ledger.flowOf('10.0.0.1', 2)
    ledger.flowOf('10.0.0.1', 5)
    expect(
      stats()
        .sources.map(({ flows }) => flows[0]!.port)
        .sort(),
    ).toEqual([2, 4, 5])
    expect(stats().others).toMatchObject({ received: 4, datagrams: 2 })
    expect(stats().totals).toMatchObject({ received: 10, datagrams: 4 })
  })

  it('that were proved by a heartbeat stay while forged ones come and go', () => {
    const { ledger, stats, arrive } = rig(4)
    for (const [i, source] of [EXPORTER, ANOTHER].entries())
      ledger.heartbeat(ledger.flowOf('10.0.0.1', i), beatOf({ source }))
    for (let forged = 0; forged < 10_000; forged++) arrive(ledger.flowOf('10.6.6.6', forged), 1)
    const known = stats().sources.filter(({ id }) => id !== undefined)
    expect(known.map(({ id }) => id)).toEqual([EXPORTER, ANOTHER])
    expect(stats().sources).toHaveLength(4)
    expect(stats().totals).toMatchObject({ received: 10_000, heartbeats: 2 })
  })

  it('keep to their bound when every one of them has a heartbeat', () => {
    const { ledger, stats } = rig(4)
    for (let i = 0; i < 100; i++) {
      const source = i.toString(16).padStart(16, '0')
      ledger.heartbeat(ledger.flowOf('10.0.0.1', i), beatOf({ source, dropped: 1, droppedBy: { full: 1 } }))
    }
    expect(
      stats()
        .sources.map(({ flows }) => flows[0]!.port)
        .sort(),
    ).toEqual([96, 97, 98, 99])
    expect(stats().totals).toMatchObject({ heartbeats: 100, droppedAtSource: 100, droppedBy: { full: 100 } })
  })

  it('add up to the totals, however they come and go', () => {
    const event = fc.record({
      port: fc.integer({ min: 0, max: 9 }),
      source: fc.constantFrom(undefined, EXPORTER, ANOTHER),
      lines: fc.integer({ min: 1, max: 5 }),
    })
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 200 }),
        fc.integer({ min: 1, max: 6 }),
        (events, maxSources) => {
          const { ledger, stats, arrive } = rig(maxSources)
          const sent = new Map<number, number>()
          let received = 0
          for (const [seq, { port, source, lines }] of events.entries()) {
            const flow = ledger.flowOf('10.0.0.1', port)
            sent.set(port, (sent.get(port) ?? 0) + lines)
            if (source === undefined) {
              received += lines
              arrive(flow, lines)
            } else ledger.heartbeat(flow, beatOf({ source, seq: seq + 1, lines: sent.get(port)! }))
          }
          const { totals, sources, others } = stats()
          expect(totals.received).toBe(received)
          for (const name of Object.keys(tally) as (keyof typeof tally)[])
            expect(
              sources.reduce((sum, each) => sum + each[name], others[name]),
              name,
            ).toBe(totals[name])
          expect(sources.flatMap(({ flows }) => flows).length).toBeLessThanOrEqual(maxSources)
        },
      ),
    )
  })
})
