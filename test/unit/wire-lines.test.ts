import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  endOfLine,
  envelopeOf,
  HEARTBEAT_PREFIX,
  type Heartbeat,
  heartbeatLine,
  METADATA_PREFIX,
  Reasons,
  readCompressed,
  readHeartbeat,
  readSequence,
  SEQUENCE_PREFIX,
  sequenceBytes,
  sequenceLine,
  writeSequenceLine,
} from '../../src/net/wire-lines.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

const beat: Heartbeat = {
  source: '0123456789abcdef',
  flow: 1,
  seq: 3,
  time: '2026-11-20T10:00:00.000Z',
  started: '2026-11-20T09:00:00.000Z',
  last: false,
  lines: 1200,
  datagrams: 240,
  bytes: 324000,
  offered: 1300,
  sent: 1200,
  inRing: 0,
  dropped: 100,
  droppedBy: { overwritten: 90, oversize: 10 },
}

describe('heartbeat lines', () => {
  it('are as docs/wire.md has them', () => {
    expect(heartbeatLine(beat)).toBe(
      '{"event":"spillway.stats","v":1,"source":"0123456789abcdef","flow":1,"seq":3,"time":"2026-11-20T10:00:00.000Z",' +
        '"started":"2026-11-20T09:00:00.000Z","last":false,"lines":1200,"datagrams":240,"bytes":324000,"offered":1300,' +
        '"sent":1200,"inRing":0,"dropped":100,"dropped_by":{"overwritten":90,"oversize":10}}\n',
    )
  })

  it('are recognised and come out as they went in', () => {
    const line = bytes(heartbeatLine(beat))
    expect(envelopeOf(line)).toBe('heartbeat')
    expect(readHeartbeat(line)).toEqual(beat)
  })

  it.each([
    ['of another version', { v: 2 }],
    ['with no version', { v: undefined }],
    ['with a source that is no 16 hex digits', { source: '0123456789ABCDEF' }],
    ['with a source of the wrong length', { source: '0123' }],
    ['with a count below 0', { lines: -1 }],
    ['with a count that is no integer', { sent: 1.5 }],
    ['with a count beyond all counting', { bytes: 2 ** 53 }],
    ['with a count that is a string', { seq: '3' }],
    ['without a count', { flow: undefined }],
    ['with a time that is none', { time: 'now' }],
    ['with a time too long to be one', { started: `2026-11-20T10:00:00.000Z${' '.repeat(40)}` }],
    ['with a `last` that is no boolean', { last: 1 }],
    ['with reasons that are no object', { dropped_by: [1] }],
    ['without reasons', { dropped_by: undefined }],
    ['with a reason that has no count', { dropped_by: { oversize: -1 } }],
  ])('are none %s', (_, change) => {
    const line = JSON.stringify({ ...JSON.parse(heartbeatLine(beat)), ...change })
    expect(readHeartbeat(bytes(line))).toBeUndefined()
  })

  it.each(['', '{', 'null', '7', '[]', '{"event":"spillway.stats",', '\u0000'])('are none: %j', (text) => {
    expect(readHeartbeat(bytes(text))).toBeUndefined()
  })

  it('are none when longer than any of ours, or not UTF-8', () => {
    const fields = JSON.parse(heartbeatLine(beat))
    const long = JSON.stringify({ ...fields, filler: 'x'.repeat(4096) })
    expect(readHeartbeat(bytes(long))).toBeUndefined()
    const spoilt = bytes(heartbeatLine(beat))
    spoilt[30] = 0xff
    expect(readHeartbeat(spoilt)).toBeUndefined()
  })

  it('sum up as `other` the reasons that are too many, too long, or no names', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`reason${i}`, 1]))
    const odd = { ['y'.repeat(25)]: 1, 'a b': 10, '': 100, constructor: 1000 }
    const read = (dropped_by: object) => {
      const line = JSON.stringify({ ...JSON.parse(heartbeatLine(beat)), dropped_by })
      return readHeartbeat(bytes(line))!.droppedBy
    }
    expect(Object.keys(read(many))).toHaveLength(25)
    expect(read(many).other).toBe(16)
    expect(read(odd)).toEqual({ other: 111, constructor: 1000 })
  })

  it('are never taken for one when they are rubbish', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (rubbish) => {
        const line = new Uint8Array([...bytes(HEARTBEAT_PREFIX), ...rubbish])
        expect(() => readHeartbeat(line)).not.toThrow()
        expect(readHeartbeat(line)).toBeUndefined()
      }),
    )
  })
})

describe('sequence lines', () => {
  const source = 'fedcba9876543210'

  it('are JSON, all of one length, and come out as they went in', () => {
    for (const d of [0, 7, 123456, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      const line = bytes(sequenceLine(source, d))
      expect(line).toHaveLength(sequenceBytes)
      expect(JSON.parse(sequenceLine(source, d))).toEqual({ spillway: source, d })
      expect(envelopeOf(line)).toBe('sequence')
      expect(readSequence(line)).toEqual({ source, d, end: sequenceBytes })
    }
  })

  it('can be written in front of a datagram', () => {
    const datagram = new Uint8Array(sequenceBytes + 2).fill(0x61)
    writeSequenceLine(datagram, source, 42)
    expect(new TextDecoder().decode(datagram)).toBe(`${sequenceLine(source, 42)}aa`)
  })

  it('are read without the spaces, too, and end where the next line begins', () => {
    const line = `{"spillway":"${source}","d":5}\n`
    expect(readSequence(bytes(`${line}{"x":1}\n`))).toEqual({ source, d: 5, end: line.length })
  })

  it.each([
    `{"spillway":"${source}","d":}\n`,
    `{"spillway":"${source}","d":-1}\n`,
    `{"spillway":"${source}","d":1.5}\n`,
    `{"spillway":"${source}","d":1e3}\n`,
    `{"spillway":"${source}","d":99999999999999999999}\n`,
    `{"spillway":"${source}","d":1}`,
    `{"spillway":"${source}","d":1} x\n`,
    `{"spillway":"${source}","d":1,"e":2}\n`,
    `{"spillway":"${source.slice(1)}","d":1}\n`,
    `{"spillway":"${source.toUpperCase()}","d":1}\n`,
    `{"spillway":"open","level":3}\n`,
    SEQUENCE_PREFIX,
    '',
  ])('are none: %j', (text) => {
    expect(readSequence(bytes(text))).toBeUndefined()
  })

  it('are never taken for one when they are rubbish', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 60 }), (rubbish) => {
        const read = readSequence(bytes(`${SEQUENCE_PREFIX}${rubbish}`))
        const isOne = /^[0-9a-f]{16}","d":\d+ *\}\n/.test(rubbish)
        expect(read !== undefined).toBe(isOne)
      }),
    )
  })
})

describe('what a datagram begins with', () => {
  it('is told by its first bytes', () => {
    expect(envelopeOf(bytes(`${METADATA_PREFIX}"os":"linux"}\n`))).toBe('lines')
    expect(envelopeOf(bytes('{"event":"spillway.statistics"}'))).toBe('lines')
    expect(envelopeOf(bytes('{"spillways":1}'))).toBe('lines')
    expect(envelopeOf(bytes(HEARTBEAT_PREFIX.slice(0, -1)))).toBe('lines')
    expect(envelopeOf(new Uint8Array())).toBe('lines')
    expect(envelopeOf(bytes('\0SPL\u0001'))).toBe('compressed')
    expect(envelopeOf(bytes('\0SP'))).toBe('lines')
  })

  it('has a codec, if it is compressed', () => {
    expect(readCompressed(bytes('\0SPL\u0001abc'))).toEqual({ codec: 'deflate', body: bytes('abc') })
    expect(readCompressed(bytes('\0SPL\u0002abc'))).toEqual({ codec: 'brotli', body: bytes('abc') })
    for (const unknown of ['\0SPL', '\0SPL\u0000', '\0SPL\u0003', '\0SPLx'])
      expect(readCompressed(bytes(unknown))).toBeUndefined()
  })

  it('has a first line', () => {
    expect(endOfLine(bytes('ab\ncd\n'))).toBe(3)
    expect(endOfLine(bytes('abcd'))).toBe(4)
  })
})

describe('reasons', () => {
  it('add up, and are no more than a line has room for', () => {
    const reasons = new Reasons({ full: 1 })
    reasons.add('full', 2)
    for (let i = 0; i < 30; i++) reasons.add(`r${i}`, 1)
    const sums = reasons.toObject()
    expect(sums.full).toBe(3)
    expect(Object.values(sums).reduce((a, b) => a + b)).toBe(33)
    expect(Object.keys(sums)).toHaveLength(25)
  })
})
