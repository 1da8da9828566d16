import { brotliCompressSync, deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { LineSplitter } from '../../src/core/line-splitter.ts'
import { OneToOne } from '../../src/core/one-to-one.ts'
import { AddressRanges } from '../../src/net/address-ranges.ts'
import { AlertGate, type CollectorAlert } from '../../src/net/collector-alerts.ts'
import { FEED_HEADER_BYTES, Feeds, readFeedHeader } from '../../src/net/feed.ts'
import { Intake, type IntakeOptions } from '../../src/net/intake.ts'
import { general, LedgerTables } from '../../src/net/ledger-tables.ts'
import { makeLoss } from '../../src/net/made-to-lose.ts'
import { SourceLedger } from '../../src/net/source-ledger.ts'
import { readLedgerTables } from '../../src/net/source-stats.ts'
import { heartbeatLine, sequenceLine } from '../../src/net/wire-lines.ts'
import { inflate } from '../../src/node/inflate.ts'
import { VirtualClock } from '../../src/sim/network/virtual-clock.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

/** Everything from a datagram's bytes to a sink's diode, without a socket. */
function rig(options: Partial<IntakeOptions> = {}, capacity = 4096) {
  const clock = new VirtualClock()
  const tables = LedgerTables.create(16)
  const diode = new OneToOne(capacity, null, { recordBytes: 512 })
  const feeds = new Feeds([diode.handle], tables.general)
  const splitter = new LineSplitter()
  const alerts: CollectorAlert[] = []
  const intake = new Intake({
    ledger: new SourceLedger({ tables, clock }),
    general: tables.general,
    feeds,
    splitter,
    inflate,
    alerts: new AlertGate(clock, 1000, (alert) => alerts.push(alert)),
    allow: undefined,
    keepsHeartbeats: false,
    isLost: () => false,
    ...options,
  })
  cleanups.push(() => {
    splitter.close()
    feeds.close()
    diode.close()
  })
  const take = (datagram: string | Uint8Array, port = 4000, address = '10.0.0.1') =>
    intake.take(typeof datagram === 'string' ? new TextEncoder().encode(datagram) : datagram, address, port)
  const texts = () => {
    const records: string[] = []
    diode.drain((record) => records.push(Buffer.from(record.subarray(FEED_HEADER_BYTES)).toString()))
    return records
  }
  return { clock, tables, diode, alerts, take, texts, stats: () => readLedgerTables(tables).totals }
}

const beat = (fields: object = {}) =>
  heartbeatLine({
    source: '0123456789abcdef',
    flow: 1,
    seq: 0,
    time: '2026-11-20T10:00:00.000Z',
    started: '2026-11-20T09:00:00.000Z',
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
  })

describe('lines', () => {
  it('go on as they came, in their order, with what was offered before them', () => {
    const { take, diode } = rig()
    for (const datagram of ['{"a":1}\n{"a":2}\n', '{"b":1}\n']) take(datagram)
    const headers: unknown[] = []
    diode.drain((record) => headers.push(readFeedHeader(record)))
    expect(headers).toEqual([
      { linesBefore: 0, bytesBefore: 0, lines: 2, row: 0, flow: 1 },
      { linesBefore: 2, bytesBefore: 16, lines: 1, row: 0, flow: 1 },
    ])
  })

  it('that are none are counted by reason, and the good ones beside them go on', () => {
    const { take, texts, stats } = rig()
    take(Buffer.from('{"a":1}\n\xff\n\n  \n{"a":2}\r\n{"a":3', 'latin1'))
    take('')
    expect(texts()).toEqual(['{"a":1}\n{"a":2}\n'])
    expect(stats()).toMatchObject({
      received: 2,
      invalidUtf8: 1,
      truncated: 1,
      blank: 2,
      empty: 1,
      datagrams: 2,
    })
  })

  it('that are bad are told of with their place, once a second, with exact counts', () => {
    const { take, alerts, clock } = rig()
    take('{"good":1}\n')
    take(Buffer.from('{"a":1}\n{"\xff"}\n{"\xfe"}\n', 'latin1'))
    take(Buffer.from('\xff\n', 'latin1'))
    take(Buffer.from('{"a":1}\n{"b', 'latin1'))
    take(Buffer.from('{}\n\xff\n', 'latin1'))
    clock.advance(1000)
    expect(alerts).toMatchObject([
      { kind: 'invalid-utf8', count: 2, total: 2, source: '10.0.0.1:4000', datagram: 2, offset: 8 },
      { kind: 'truncated', count: 1, total: 1, source: '10.0.0.1:4000', datagram: 4, offset: 8 },
      { kind: 'invalid-utf8', count: 2, total: 4, source: '10.0.0.1:4000', datagram: 3, offset: 0 },
    ])
    expect(alerts[0]!.message).toBe('not UTF-8: datagram 2 of 10.0.0.1:4000, at byte 8')
  })

  it('that are none have come nevertheless: they are not lost', () => {
    const { take, stats } = rig()
    take(beat())
    take(Buffer.from('{"a":1}\n\xff\n\n{"b', 'latin1'))
    take('\0SPL\u0001rubbish')
    take(beat({ seq: 1, lines: 6, datagrams: 3 }))
    expect(stats()).toMatchObject({ received: 1, lost: 1, lostDatagrams: 1, surplus: 0 })
  })

  it('of 60 KB and more are whole', () => {
    const { take, texts } = rig()
    const long = `${'x'.repeat(65_500)}\n`
    take(long)
    expect(texts()).toEqual([long])
  })

  it('survive whatever comes beside them', () => {
    const rubbish = fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from([0, 0x53, 0x50, 0x4c, ...bytes])),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(`{"event":"spillway.stats",${text}`)),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(`{"spillway":"${text}`)),
    )
    const { take, texts, stats } = rig()
    let good = 0
    fc.assert(
      fc.property(rubbish, (datagram) => {
        take(datagram, 6666)
        texts()
        take(`{"good":${good++}}\n`)
        expect(texts()).toEqual([`{"good":${good - 1}}\n`])
      }),
      { numRuns: 500 },
    )
    expect(stats().datagrams).toBe(1000)
  })
})

describe('our own lines', () => {
  it('are read, and do not go on', () => {
    const { take, texts, stats } = rig()
    take(beat())
    take('{"a":1}\n')
    take(beat({ seq: 1, lines: 3, datagrams: 2 }))
    expect(texts()).toEqual(['{"a":1}\n'])
    expect(stats()).toMatchObject({ heartbeats: 2, lost: 2, received: 1, datagrams: 3 })
  })

  it('go on if they are to be kept', () => {
    const { take, texts, stats } = rig({ keepsHeartbeats: true })
    const numbered = sequenceLine('0123456789abcdef', 0)
    take(beat())
    take(`${numbered}{"a":1}\n`)
    expect(texts()).toEqual([beat(), numbered, '{"a":1}\n'])
    expect(stats()).toMatchObject({ received: 1, heartbeats: 1 })
  })

  it('may have others behind them', () => {
    const { take, texts, stats } = rig()
    take(`${beat()}{"a":1}\n`)
    expect(texts()).toEqual(['{"a":1}\n'])
    expect(stats()).toMatchObject({ heartbeats: 1, received: 1 })
  })

  it('that cannot be read may be an event of somebody: they go on, and are told of', () => {
    const { take, texts, alerts, stats } = rig()
    const lines = ['{"event":"spillway.stats","v":2}\n', '{"spillway":"open"}\n']
    for (const line of lines) take(line)
    expect(texts()).toEqual(lines)
    expect(alerts).toMatchObject([{ kind: 'bad-heartbeat', datagram: 1 }])
    expect(stats()).toMatchObject({ badHeartbeats: 1, received: 2 })
  })

  it('number datagrams: doubled ones do not go on, those out of order do', () => {
    const { take, texts, stats } = rig()
    for (const d of [0, 1, 1, 4, 3, 0]) take(`${sequenceLine('0123456789abcdef', d)}{"d":${d}}\n`)
    expect(texts()).toEqual([0, 1, 4, 3].map((d) => `{"d":${d}}\n`))
    expect(stats()).toMatchObject({ received: 4, duplicates: 2, reordered: 1, gaps: 1 })
  })

  it('bring metadata that is compressed, and it goes on inflated', () => {
    const { take, texts, stats } = rig()
    const line = `{"event":"agent_init","os":"linux","filler":"${'x'.repeat(60_000)}"}\n`
    take(beat())
    take(Buffer.concat([Buffer.from('\0SPL\u0001'), deflateSync(line)]))
    take(Buffer.concat([Buffer.from('\0SPL\u0002'), brotliCompressSync(line)]))
    take(beat({ seq: 1, lines: 2, datagrams: 2 }))
    expect(texts()).toEqual([line, line])
    expect(stats()).toMatchObject({ received: 2, lost: 0, surplus: 0, badMetadata: 0 })
  })

  it('do not blow up: metadata of more than 64 KiB, damaged, or of an unknown codec is counted', () => {
    const { take, texts, stats, alerts } = rig()
    const bomb = deflateSync(Buffer.alloc(2 ** 24, 0x61))
    take(Buffer.concat([Buffer.from('\0SPL\u0001'), bomb]))
    take(Buffer.concat([Buffer.from('\0SPL\u0001'), bomb.subarray(0, 100)]))
    take(Buffer.concat([Buffer.from('\0SPL\u0003'), deflateSync('x')]))
    expect(texts()).toEqual([])
    expect(stats()).toMatchObject({ badMetadata: 3, received: 0 })
    expect(alerts[0]).toMatchObject({ kind: 'bad-metadata', count: 1 })
  })
})

describe('datagrams', () => {
  it('from elsewhere than `allow` says are refused, and leave no trace in the ledger', () => {
    const { take, texts, tables, alerts } = rig({ allow: new AddressRanges(['10.0.0.0/8']) })
    take('{"a":1}\n', 1, '10.1.2.3')
    take('{"b":1}\n', 1, '11.1.2.3')
    take('{"c":1}\n', 1, '10.1.2.3')
    expect(texts()).toEqual(['{"a":1}\n', '{"c":1}\n'])
    expect(tables.general[general.refused]).toBe(1)
    expect(readLedgerTables(tables).sources).toHaveLength(1)
    expect(alerts).toMatchObject([{ kind: 'refused', count: 1, source: '11.1.2.3:1' }])
  })

  it('that are made to get lost are found out by the ledger', () => {
    const { take, texts, stats, tables, clock } = rig({ isLost: makeLoss({ percent: 20, seed: 7 }) })
    clock.advance(10_000)
    const young = { started: '2026-11-20T09:59:55.000Z' } // five seconds old: whatever it sent it sent to us
    take(beat(young))
    for (let d = 0; d < 1000; d++) take(`{"d":${d}}\n`)
    for (let time = 0; time < 3; time++)
      take(beat({ ...young, seq: 1, lines: 1000, datagrams: 1000, last: true }))
    const came = texts().length
    expect(1000 - came).toBeGreaterThan(150)
    expect(1000 - came).toBeLessThan(250)
    expect(stats()).toMatchObject({ lost: 1000 - came, received: came })
    expect(tables.general[general.madeToLose]).toBe(1004 - stats().datagrams)
  })
})
