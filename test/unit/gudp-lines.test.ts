import { describe, expect, it } from 'vitest'
import { RoundTrips } from '../../src/cli/ping/round-trips.ts'
import { Fifo } from '../../src/net/fifo.ts'
import {
  helloLine,
  readHello,
  readWelcome,
  STREAM_PREFIX,
  welcomeLine,
} from '../../src/net/gudp/stream-lines.ts'

const stream = '0123456789abcdef'
const bytes = (text: string) => new TextEncoder().encode(text)

describe('what exporter and collector say to each other', () => {
  it('is what docs/wire.md has', () => {
    const hello = new TextDecoder().decode(helloLine({ stream, from: 1234 }))
    expect(hello).toBe(`{"event":"spillway.stream","v":1,"stream":"${stream}","from":1234}\n`)
    const welcome = new TextDecoder().decode(welcomeLine({ stream, next: 1240, known: true }))
    expect(welcome).toBe(`{"event":"spillway.stream","v":1,"stream":"${stream}","next":1240,"known":true}\n`)
  })

  it('is read as it was written', () => {
    expect(readHello(helloLine({ stream, from: 7 }))).toEqual({ stream, from: 7 })
    expect(readWelcome(welcomeLine({ stream, next: 7, known: false }))).toEqual({
      stream,
      next: 7,
      known: false,
    })
  })

  it.each([
    '',
    '{"event":"spillway.stats",',
    STREAM_PREFIX,
    `${STREAM_PREFIX}"v":2,"stream":"${stream}","from":0,"next":0}\n`,
    `${STREAM_PREFIX}"v":1,"stream":"${stream}","from":-1,"next":-1}\n`,
    `${STREAM_PREFIX}"v":1,"stream":"${stream}","from":1e300,"next":1e300}\n`,
    `${STREAM_PREFIX}"v":1,"stream":"${stream}","from":"1","next":"1"}\n`,
    `${STREAM_PREFIX}"v":1,"stream":"${stream.toUpperCase()}","from":1,"next":1}\n`,
    `${STREAM_PREFIX}"v":1,"stream":["${stream}"],"from":1,"next":1}\n`,
    `${STREAM_PREFIX}"v":1,"stream":"${stream}","from":1,"next":1,"pad":"${'x'.repeat(256)}"}\n`,
  ])('is nothing else: %s', (line) => {
    expect(readHello(bytes(line))).toBeUndefined()
    expect(readWelcome(bytes(line))).toBeUndefined()
  })

  it('is no bytes that are not UTF-8', () => {
    const line = helloLine({ stream, from: 1 })
    line[60] = 0xff
    expect(readHello(line)).toBeUndefined()
  })
})

describe('first in, first out', () => {
  it('keeps the order over any mix of both', () => {
    const fifo = new Fifo<number>()
    let [next, first] = [0, 0]
    for (let round = 0; round < 100; round++) {
      for (let i = 0; i < (round * 7) % 13; i++) fifo.push(next++)
      for (let i = 0; i < (round * 5) % 11 && fifo.length > 0; i++) expect(fifo.shift()).toBe(first++)
      expect(fifo.length).toBe(next - first)
      if (fifo.length > 0) expect([fifo.first, fifo.at(fifo.length - 1)]).toEqual([first, next - 1])
    }
    expect(fifo.takeAll()).toHaveLength(next - first)
    expect([fifo.length, fifo.first, fifo.shift()]).toEqual([0, undefined, undefined])
  })
})

describe('round trips', () => {
  it('are those of packets that were sent, once each', () => {
    const trips = new RoundTrips()
    const packets = [10, 20, 30, 40].map((ms) => trips.next(64, ms))
    expect(trips.came(packets[1]!, 25)).toEqual({ seq: 1, ms: 5 })
    expect(trips.came(packets[1]!, 26)).toBeUndefined()
    expect(trips.came(new Uint8Array(3), 26)).toBeUndefined()
    expect(trips.came(packets[3]!, 60)).toEqual({ seq: 3, ms: 20 })
    expect(trips.expire(29)).toEqual([0])
    expect([trips.waiting, trips.strange]).toEqual([1, 2])
    expect(trips.summary()).toEqual({
      sent: 4,
      answered: 2,
      lost: 2,
      rttMs: { min: 5, avg: 12.5, max: 20, p50: 20, p90: 20, p99: 20 },
    })
  })
})
