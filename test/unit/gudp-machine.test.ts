import { describe, expect, it } from 'vitest'
import { defaultRegion } from '../../src/core/region.ts'
import { SharedBytes } from '../../src/core/shared-bytes.ts'
import { packetsLane, streamLane, usualMachine } from '../../src/sim/gudp/machine-options.ts'
import { MachinePair } from '../../src/sim/gudp/machine-pair.ts'
import { MachineSide } from '../../src/sim/gudp/machine-side.ts'
import { seeded } from '../../src/sim/network/index.ts'

// The machine of a connection: what it does in time, and what a peer can do to it that does not play by the rules.

const NOW_MS = 1_000_000
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes)
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

/** A packet by the wire: sequence, ack and bits in full, then the body. */
function packetOf(sequence: number, body: Uint8Array | string, ack = 0xffff, bits = 0): Uint8Array {
  const content = typeof body === 'string' ? bytesOf(body) : body
  const packet = new Uint8Array(9 + content.length)
  const view = new DataView(packet.buffer)
  packet[0] = 0x1e
  view.setUint16(1, sequence, true)
  view.setUint16(3, ack, true)
  view.setUint32(5, bits, true)
  packet.set(content, 9)
  return packet
}

const dataOf = (content: string): Uint8Array => Uint8Array.of(1, 0, ...new TextEncoder().encode(content))

function fragmentOf(sequence: number, index: number, count: number, content: Uint8Array): Uint8Array {
  const head = Uint8Array.of(1, sequence & 0xff, sequence >> 8, index, count - 1)
  const whole = index === 0 ? packetOf(sequence, new Uint8Array(0)) : new Uint8Array(0)
  return Uint8Array.from([...head, ...whole, ...content])
}

function streamOf(offset: number, content: Uint8Array): Uint8Array {
  const frame = new Uint8Array(8 + content.length)
  const view = new DataView(frame.buffer)
  frame.set([2, 1])
  view.setUint32(2, offset, true)
  view.setUint16(6, content.length / 8, true)
  frame.set(content, 8)
  return frame
}

function aside<T>(run: (side: MachineSide) => T, options = {}): T {
  const side = new MachineSide({ ...usualMachine, ...options }, NOW_MS)
  try {
    return run(side)
  } finally {
    side.leave()
  }
}

describe('sequences', () => {
  it.each([
    [32_767, 'taken'],
    [32_768, 'taken'],
    [32_769, 'too-late'],
    [40_000, 'too-late'],
    [65_535, 'too-late'],
  ])('a jump by %i from 100 is %s', (jump, verdict) => {
    aside((side) => {
      // Exactly half way round the greater number is the newer one, and 100 + 32768 is the greater.
      expect(side.receive(NOW_MS, packetOf(100, dataOf('first')))).toBe('taken')
      const jumped = jump === 65_535 ? 100 - 32 : (100 + jump) & 0xffff
      expect(side.receive(NOW_MS, packetOf(jumped, dataOf('jumped')))).toBe(verdict)
      expect(side.stats.packetsReceived).toBe(verdict === 'taken' ? 2 : 1)
    })
  })

  it('takes each of the last 32 once, in any order, over the wrap, and says so by its bits', () => {
    aside((side) => {
      const random = seeded(5)
      const taken = new Set<number>()
      let newest = 65_500
      side.receive(NOW_MS, packetOf(newest, '04'))
      taken.add(newest)
      for (let i = 0; i < 3000; i++) {
        const sequence = (newest + random.between(-40, 6)) & 0xffff
        const ahead = (sequence - newest) & 0xffff
        const isNewer = ahead !== 0 && ahead <= 32_768
        const behind = (newest - sequence) & 0xffff
        const wanted = isNewer ? 'taken' : behind >= 32 ? 'too-late' : taken.has(sequence) ? 'twice' : 'taken'
        if (isNewer) {
          for (let passed = 1; passed <= Math.min(ahead, 64); passed++)
            taken.delete((newest + passed) & 0xffff)
          newest = sequence
        }
        expect(side.receive(NOW_MS, packetOf(sequence, '04')), `${i}: ${sequence} at ${newest}`).toBe(wanted)
        if (wanted === 'taken') taken.add(sequence)
        const { RECEIVED_OFFSET = 272, RECEIVED_BITS_OFFSET = 276 } = {} as Record<string, number>
        expect(side.word(RECEIVED_OFFSET)).toBe(newest)
        let bits = 0
        for (let n = 0; n < 32; n++) if (taken.has((newest - n) & 0xffff)) bits |= 1 << n
        expect(side.word(RECEIVED_BITS_OFFSET)).toBe(bits >>> 0)
      }
    })
  })

  it('gives no acknowledgement for what found no room, and takes it when there is some', () => {
    aside(
      (side) => {
        const packet = packetOf(7, dataOf('x'.repeat(100)))
        expect(side.receive(NOW_MS, packet)).toBe('taken')
        expect(side.receive(NOW_MS, packetOf(8, dataOf('y'.repeat(100))))).toBe('no-room')
        const [answer] = side.all(NOW_MS + 6)
        expect([answer![0]! & 0x20, answer![3]]).toEqual([0, 7]) // ack is 7
        expect(text(side.lanes[0]!.receive())).toBe('x'.repeat(100))
        expect(side.receive(NOW_MS, packetOf(8, dataOf('y'.repeat(100))))).toBe('taken')
      },
      { lanes: [packetsLane(128, 120), streamLane()] },
    )
  })
})

describe('a peer that breaks the rules', () => {
  it('gets no acknowledgement of what was never sent believed', () => {
    aside((side) => {
      expect(side.receive(NOW_MS, packetOf(0, '04', 500, 0xffffffff))).toBe('taken')
      expect(side.stats.acksForged).toBe(1)
      expect(side.stats.packetsAcked).toBe(0)
      side.lanes[0]!.trySend('one')
      side.all(NOW_MS + 10)
      const { packetsSent } = side.stats
      side.receive(NOW_MS + 20, packetOf(1, '04', packetsSent - 1, 0xffffffff))
      expect(side.stats.packetsAcked).toBeLessThanOrEqual(packetsSent)
      side.receive(NOW_MS + 21, packetOf(2, '04', packetsSent + 3, 1))
      expect(side.stats.acksForged).toBe(2)
    })
  })

  it.each([
    ['nothing at all', ''],
    ['half a header', '1e0000'],
    ['bits that are not used', 'fe000000000000000000'],
    ['an unknown frame', `${Buffer.from(packetOf(3, '09')).toString('hex')}`],
    ['a stream on a lane of packets', `${Buffer.from(packetOf(3, '0200 00000000 0000')).toString('hex')}`],
    ['a packet on a stream', `${Buffer.from(packetOf(3, '0101 41')).toString('hex')}`],
    ['a lane that is not there', `${Buffer.from(packetOf(3, '0109 41')).toString('hex')}`],
    [
      'a stretch that runs over the end',
      `${Buffer.from(packetOf(3, '0201 00000000 0200 00')).toString('hex')}`,
    ],
    ['a message that runs over the end', `${Buffer.from(packetOf(3, '0502 ff00 41')).toString('hex')}`],
    ['a credit cut short', `${Buffer.from(packetOf(3, '0301 0000')).toString('hex')}`],
    ['a fragment beyond its count', '01 0300 05 02 41'],
    ['a fragment with nothing in it', '01 0300 01 02'],
    ['fragment 0 without a header', '01 0300 00 02 41'],
    ['a fragment that is too long', `01030001 02${'41'.repeat(1101)}`],
    ['a middle one that is too short', '01 0300 01 02 4141'],
  ])('is told nothing for %s', (_what, hex) => {
    aside(
      (side) => {
        expect(side.receive(NOW_MS, bytesOf(hex))).toBe('bad')
        expect(side.stats.packetsBad).toBe(1)
        expect(side.machine.endReason()).toBe(undefined)
        expect(side.receive(NOW_MS, packetOf(4, dataOf('good')))).toBe('taken')
        expect(text(side.lanes[0]!.receive())).toBe('good')
      },
      { lanes: [packetsLane(), streamLane(), packetsLane()] },
    )
  })

  it('changes the number of fragments: the packet is as it was', () => {
    aside((side) => {
      const part = new Uint8Array(1100).fill(65)
      expect(side.receive(NOW_MS, fragmentOf(3, 1, 3, part))).toBe('part-taken')
      expect(side.receive(NOW_MS, fragmentOf(3, 2, 4, part))).toBe('bad')
      expect(side.receive(NOW_MS, fragmentOf(3, 1, 3, part))).toBe('twice')
      expect(side.receive(NOW_MS, fragmentOf(3, 2, 3, part.subarray(0, 5)))).toBe('part-taken')
      const first = Uint8Array.of(1, 0, ...part.subarray(2))
      expect(side.receive(NOW_MS, fragmentOf(3, 0, 3, first))).toBe('taken')
      expect(side.lanes[0]!.receive()?.length).toBe(2203)
      expect(side.receive(NOW_MS, fragmentOf(3, 0, 3, first))).toBe('twice')
    })
  })

  it('begins thousands of packets and ends none: memory is bounded, the newest wins, and all is given back', () => {
    const before = defaultRegion().abi.usedGranules()
    aside((side) => {
      const part = new Uint8Array(1100).fill(65)
      for (let sequence = 0; sequence < 5000; sequence++) {
        side.receive(NOW_MS + sequence / 100, fragmentOf(sequence, 1, 16, part))
        const used = defaultRegion().abi.usedGranules() - before
        expect(used * 4096).toBeLessThan(800_000)
      }
      expect(side.stats.assembliesExpired).toBeGreaterThan(4900)
      for (const index of [0, ...Array.from({ length: 14 }, (_, i) => i + 2), 15]) {
        const content = index === 0 ? Uint8Array.of(1, 0, ...part.subarray(2)) : part
        side.receive(NOW_MS + 60, fragmentOf(4999, index, 16, content))
      }
      expect(side.lanes[0]!.receive()?.length).toBe(16 * 1100 - 2)
      expect(side.next(NOW_MS + 5000)).toBeDefined()
    })
    expect(defaultRegion().abi.usedGranules()).toBe(before)
  })

  it('sends beyond its credit: not taken, not acknowledged', () => {
    aside(
      (side) => {
        side.all(NOW_MS)
        expect(side.receive(NOW_MS, packetOf(1, streamOf(8192 / 8, new Uint8Array(8))))).toBe('no-room')
        expect(side.receive(NOW_MS, packetOf(2, streamOf(8192 / 8 - 1, new Uint8Array(8))))).toBe('taken')
        expect(side.stats.packetsRefused).toBe(1)
      },
      { lanes: [packetsLane(), streamLane(8192, 8000)] },
    )
  })

  it('says that a message is longer than was agreed: the connection is reset, and the first reason stays', () => {
    aside(
      (side) => {
        const header = new Uint8Array(8)
        new DataView(header.buffer).setUint32(0, 1001, true)
        expect(side.receive(NOW_MS, packetOf(1, streamOf(0, header)))).toBe('breaks')
        expect(side.machine.endReason()).toBe('reset')
        side.machine.finish('timed-out')
        expect(side.machine.endReason()).toBe('reset')
        expect(side.receive(NOW_MS, packetOf(2, '04'))).toBe('ended')
        expect(side.next(NOW_MS)).toBe(undefined)
      },
      { lanes: [packetsLane(), streamLane(8192, 1000)] },
    )
  })

  it.each([1, 2, 3, 4])(
    'fuzz, seed %i: real packets, spoilt: nobody is harmed, and nothing hangs',
    (seed) => {
      const random = seeded(seed)
      const corpus: Uint8Array[] = []
      const pair = new MachinePair({ seed, there: { loss: 0.05, latencyMs: 5 } })
      pair.onSent = (_side, packet) => corpus.length < 400 && corpus.push(packet)
      for (let i = 0; i < 300; i++) {
        pair.left.lanes[i & 1]!.trySend(new Uint8Array(random.between(0, 4000)).fill(i))
        pair.soil(pair.left)
        pair.clock.advance(3)
        while (pair.right.lanes[i & 1]!.receive() !== undefined);
      }
      pair.leave()
      const canary = SharedBytes.create(8192)
      canary.view(0, 8192).fill(0xa5)
      for (let round = 0; round < 30; round++) {
        aside((side) => {
          let nowMs = NOW_MS
          for (let i = 0; i < 100; i++) {
            const packet = random.pick(corpus).slice(0)
            for (let spoilt = random.between(0, 4); spoilt > 0 && packet.length > 0; spoilt--) {
              packet[random.between(0, packet.length - 1)] = random.between(0, 255)
            }
            const cut = random.chance(0.2) ? random.between(0, packet.length) : packet.length
            side.receive(nowMs, packet.subarray(0, cut))
            nowMs += random.pick([0, 0.1, 5, 700])
            side.all(nowMs, 3000)
            for (const lane of side.lanes) while (lane.receive() !== undefined);
          }
        })
      }
      expect(canary.view(0, 8192).every((byte) => byte === 0xa5)).toBe(true)
      canary.leave()
    },
  )
})

describe('congestion', () => {
  it('good and bad, by the RTT: 10 packets a second at first, 30 after four good seconds, 10 again, and a longer penalty', () => {
    const left = {
      strategy: 'good-bad',
      heartbeatMs: 60_000,
      lanes: [packetsLane(262_144), streamLane()],
    } as const
    const pair = new MachinePair({ seed: 1, there: { latencyMs: 25 }, left })
    const sentAt: number[] = []
    pair.onSent = (side, packet) => {
      if (side === pair.left && packet.length > 100) sentAt.push(pair.clock.now())
    }
    const content = new Uint8Array(200)
    const runFor = (ms: number): number => {
      const before = sentAt.length
      const untilMs = pair.clock.now() + ms
      while (pair.clock.now() < untilMs) {
        pair.left.lanes[0]!.trySend(content)
        pair.soil(pair.left)
        pair.clock.advance(10)
        while (pair.right.lanes[0]!.receive() !== undefined);
      }
      return ((sentAt.length - before) * 1000) / ms
    }
    expect(runFor(3500)).toBeCloseTo(10, -0.5)
    runFor(1000) // the penalty of four seconds is over somewhere in here
    expect(runFor(4000)).toBeCloseTo(30, -0.5)
    for (let i = 1; i < sentAt.length; i++)
      expect(sentAt[i]! - sentAt[i - 1]!).toBeGreaterThan(1000 / 30 - 0.01)
    pair.there.set({ latencyMs: 400 })
    runFor(3000)
    expect(runFor(3000)).toBeCloseTo(10, -0.5)
    pair.there.set({ latencyMs: 25 })
    runFor(3000) // the smoothed RTT comes down
    expect(runFor(5000)).toBeCloseTo(10, -0.5) // eight seconds: it was good for less than ten
    runFor(4000)
    expect(runFor(3000)).toBeCloseTo(30, -0.5)
    pair.leave()
  })

  it('paced: 5 % loss and 50 ms carry more than 0.8 of the link, and no three packets go where one should', () => {
    const link = { latencyMs: 25, bytesPerSecond: 2_500_000, queueBytes: 250_000, loss: 0.05 }
    const left = {
      strategy: 'paced',
      goodRate: 0,
      windowPackets: 512,
      lanes: [packetsLane(), streamLane(1 << 20, 100_000)],
    } as const
    const pair = new MachinePair({ seed: 3, there: link, left })
    let received = 0
    const content = new Uint8Array(1000)
    const feed = () => {
      while (pair.left.lanes[1]!.trySend(content));
      pair.soil(pair.left)
    }
    pair.onReceived = (side) => {
      if (side !== pair.right) return feed()
      while (pair.right.lanes[1]!.receive() !== undefined) received++
    }
    const sentAt: number[] = []
    pair.onSent = (side, packet) => {
      if (side === pair.left && packet.length > 1000) sentAt.push(pair.clock.now())
    }
    feed()
    pair.clock.advance(15_000)
    expect((received * 1000) / (15 * link.bytesPerSecond)).toBeGreaterThan(0.8)
    // At 2.5 bytes a microsecond a packet takes half a millisecond, at the quickest pace (1.25) 0.38.
    const late = sentAt.slice(sentAt.length >> 1)
    for (let i = 4; i < late.length; i++) expect(late[i]! - late[i - 4]!).toBeGreaterThan(0.3)
    pair.leave()
  })
})
