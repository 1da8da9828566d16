import { describe, expect, it } from 'vitest'
import { decodePacket, type PacketHeader } from './gudp-decoder.ts'
import { encodeFrame, encodePacket } from './gudp-encoder.ts'
import { Session } from './gudp-session.ts'
import { PacketLayer, type Verdict } from './packet-layer.ts'

// The independent peer by itself, on bytes: what it lets pass, ours could do to it unseen.

function rig(verdict: Verdict = 'taken') {
  const sent: PacketHeader[] = []
  const layer = new PacketLayer({
    emit: (content) => sent.push(decodePacket(content)!.header!),
    take: () => verdict,
  })
  const give = (sequence: number, ack = 65535, bits = 0, body = Uint8Array.of(4)) => {
    for (const content of encodePacket({ sequence, ack, bits }, body)) layer.receive(content)
  }
  /** What it says of what it has taken. */
  const acks = () => {
    layer.send(new Uint8Array(0))
    const { ack, bits } = sent.at(-1)!
    return [ack, bits.toString(16)]
  }
  return { layer, give, acks }
}

describe('the packets of the independent peer', () => {
  it('are acknowledged by exactly the bits that say so: bit n is ack − n', () => {
    const { layer, give } = rig()
    const acked: number[] = []
    for (let i = 0; i < 40; i++) layer.send(Uint8Array.of(4), () => acked.push(i))
    give(0, 38, 0b101)
    expect(acked).toEqual([38, 36])
    give(1, 36, 0x80000003)
    expect(acked).toEqual([38, 36, 35, 5])
    give(2, 39, 0)
    expect(acked.length).toBe(4)
  })

  it('say what was taken, and take nothing twice, nor what is 32 below', () => {
    const { layer, give, acks } = rig()
    expect(acks()).toEqual([65535, '0'])
    give(40)
    expect(acks()).toEqual([40, '1'])
    give(42)
    expect(acks()).toEqual([42, '5'])
    give(11)
    expect(acks()).toEqual([42, '80000005'])
    give(10)
    for (const again of [11, 40, 42]) give(again)
    expect(acks()).toEqual([42, '80000005'])
    expect(layer.counters).toMatchObject({ received: 3, stale: 1, duplicates: 3 })
    give(73)
    expect(acks()).toEqual([73, '80000001'])
    give(105)
    expect(acks()).toEqual([105, '1'])
  })

  it('go on over the wrap', () => {
    const { give, acks } = rig()
    give(65534)
    give(1)
    expect(acks()).toEqual([1, '9'])
    give(65535)
    expect(acks()).toEqual([1, 'd'])
  })

  it('are not acknowledged when they were not taken', () => {
    for (const verdict of ['bad', 'no-room'] as const) {
      const { give, acks } = rig(verdict)
      give(3)
      expect(acks()).toEqual([65535, '0'])
    }
  })
})

it('a session of the independent peer takes no stretch beyond its credit, and counts it', () => {
  const session = new Session({ channels: ['reliable'], emit: () => {} })
  const stretch = (sequence: number, offset: number) => {
    const body = encodeFrame({ is: 'stream', lane: 1, offset, bytes: new Uint8Array(16) })
    session.receive('packet', encodePacket({ sequence, ack: 65535, bits: 0 }, body)[0]!)
  }
  stretch(0, 1023)
  expect(session.packets.counters).toMatchObject({ received: 0, noRoom: 1 })
  stretch(1, 1022)
  expect(session.packets.counters).toMatchObject({ received: 1, noRoom: 1 })
  // It has given more by now, and no more than that.
  stretch(2, 2047)
  expect(session.packets.counters).toMatchObject({ received: 1, noRoom: 2 })
  expect(session.isFlushed).toBe(true)
  session.channels[0]!.send(Uint8Array.of(1))
  expect(session.isFlushed).toBe(false)
})
