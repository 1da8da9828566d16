import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { LineSplitter } from '../../src/core/line-splitter.ts'
import { seeded } from '../../src/sim/network/random.ts'
import { codeOf } from '../support/code-of.ts'

const splitter = new LineSplitter()
afterAll(() => splitter.close())

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function isUtf8(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes)
    return true
  } catch {
    return false
  }
}

const bytesOf = (text: string) => new TextEncoder().encode(text)

/** The rules, in the plainest JavaScript. */
function splitPlainly(datagram: Uint8Array, from = 0) {
  const out: number[] = []
  const result = { lines: 0, blank: 0, invalidUtf8: 0, truncated: 0, firstBadOffset: -1 }
  for (let at = from; at < datagram.length; ) {
    const newline = datagram.indexOf(10, at)
    const end = newline < 0 ? datagram.length : newline
    const line = datagram.subarray(at, end)
    const trimmed = Buffer.from(line)
      .toString('latin1')
      .replace(/^[ \t\r]+|[ \t\r]+$/g, '')
    const isOpen = newline < 0
    if (trimmed === '') result.blank++
    else if (isOpen && looksCut(trimmed)) {
      result.truncated++
      if (result.firstBadOffset < 0) result.firstBadOffset = at
    } else if (!isUtf8(line)) {
      result.invalidUtf8++
      if (result.firstBadOffset < 0) result.firstBadOffset = at
    } else {
      result.lines++
      out.push(...(line.at(-1) === 13 ? line.subarray(0, -1) : line), 10)
    }
    at = end + 1
  }
  return { ...result, bytes: out }
}

function looksCut(trimmed: string): boolean {
  const closing = { '{': '}', '[': ']', '"': '"' }[trimmed[0]!]
  return closing !== undefined && (trimmed.length < 2 || trimmed.at(-1) !== closing)
}

function split(datagram: Uint8Array, from = 0) {
  const { bytes, ...counts } = splitter.split(datagram, from)
  return { ...counts, bytes: [...bytes] }
}

function check(datagram: Uint8Array, from = 0): void {
  expect(split(datagram, from)).toEqual(splitPlainly(datagram, from))
}

const piece = fc.oneof(
  fc.constantFrom('{', '}', '[', ']', '"', ' ', '\t', '\r', 'a', '{"a":1}', 'é', '€', '😀', '\u{10ffff}'),
  fc.string({ unit: 'binary', maxLength: 40 }),
)
const soundBytes = fc
  .array(fc.oneof(piece, fc.constant('\n'), fc.constant('\r\n')))
  .map((all) => bytesOf(all.join('')))
const anyBytes = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: piece.map(bytesOf) },
      { weight: 2, arbitrary: fc.constant(Uint8Array.of(10)) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 5 }) },
    ),
  )
  .map((all) => Uint8Array.from(all.flatMap((bytes) => [...bytes])))

describe('splitting', () => {
  it('does what the rules say with any bytes', () => {
    fc.assert(
      fc.property(fc.oneof(soundBytes, anyBytes), fc.nat(3), (bytes, from) =>
        check(bytes, Math.min(from, bytes.length)),
      ),
      { numRuns: 3000, seed: 11 },
    )
  })

  it('leaves what it was given alone, and puts good lines at the front', () => {
    const datagram = bytesOf('{"a":1}\r\n\n \t\r\nnot json\n{"b":2}')
    const before = datagram.slice()
    expect(Buffer.from(splitter.split(datagram).bytes).toString()).toBe('{"a":1}\nnot json\n{"b":2}\n')
    expect(datagram).toEqual(before)
    expect(split(datagram)).toMatchObject({
      lines: 3,
      blank: 2,
      invalidUtf8: 0,
      truncated: 0,
      firstBadOffset: -1,
    })
  })

  it('takes the last line without its newline, unless it is visibly cut', () => {
    const cut = ['{"a":1', '{', '[1,2', '["]"', '"', '"abc', ' \t{"a":"}"', '{"a":1]', '{"a":"\u00e9']
    const whole = ['{"a":1}', '{"a":1} \r', ' [1]', '""', '"a"', 'plain text', '12', '}', 'a{']
    for (const line of cut) {
      expect(split(bytesOf(`ok\n${line}`)), line).toMatchObject({ lines: 1, truncated: 1, firstBadOffset: 3 })
      check(bytesOf(`ok\n${line}`))
      expect(split(bytesOf(`${line}\n`)), line).toMatchObject({ lines: 1, truncated: 0 })
    }
    for (const line of whole) {
      expect(split(bytesOf(line)), line).toMatchObject({ lines: 1, truncated: 0 })
      check(bytesOf(line))
    }
  })

  it('counts a line that is cut inside a character as cut', () => {
    expect(split(bytesOf('{"a":"é').subarray(0, -1))).toMatchObject({
      lines: 0,
      truncated: 1,
      invalidUtf8: 0,
    })
    expect(split(bytesOf('plain é').subarray(0, -1))).toMatchObject({
      lines: 0,
      truncated: 0,
      invalidUtf8: 1,
    })
  })

  it('spoils no line for its neighbours', () => {
    for (let before = 0; before < 40; before++) {
      for (let bad = 0; bad < 20; bad++) {
        const line = new Uint8Array(20).fill(0x78)
        line[bad] = 0xff
        const datagram = Uint8Array.from([
          ...bytesOf(`${'é'.repeat(before)}\n`),
          ...line,
          ...bytesOf(`\n${'€'.repeat(before)}\nend`),
        ])
        check(datagram)
        expect(split(datagram)).toMatchObject({ invalidUtf8: 1, firstBadOffset: 2 * before + 1 })
      }
    }
  })

  it('has room for the longest datagram and one newline more', () => {
    const datagram = new Uint8Array(65507).fill(0x61)
    expect(splitter.split(datagram).bytes.length).toBe(65508)
    const longest = new Uint8Array(65535).fill(0x61)
    const { bytes, lines } = splitter.split(longest)
    expect([bytes.length, lines, bytes.at(-1), bytes.at(-2)]).toEqual([65536, 1, 10, 0x61])
    expect(codeOf(() => splitter.split(new Uint8Array(65536)))).toBe('ERR_INVALID_ARGUMENT')
    expect(split(new Uint8Array(0))).toEqual({ ...splitPlainly(new Uint8Array(0)) })
    expect(codeOf(() => splitter.split(datagram, 65508))).toBe('ERR_INVALID_ARGUMENT')
  })

  it('has nothing to say when it is closed, and writes to no memory that it has given back', () => {
    const closing = new LineSplitter()
    const { bytes } = closing.split(bytesOf('a\n'))
    closing.close()
    closing.close()
    expect(codeOf(() => closing.split(bytesOf('b\n')))).toBe('ERR_CLOSED')
    expect(bytes[0]).toBe(0x61)
  })

  it('begins where it is told, and tells places in the whole datagram', () => {
    const datagram = bytesOf('skipped\n{"a":1}\n\ufffd\n')
    datagram[16] = 0xff
    const { bytes, firstBadOffset } = splitter.split(datagram, 8)
    expect([Buffer.from(bytes).toString(), firstBadOffset]).toEqual(['{"a":1}\n', 16])
  })
})

// ---- UTF-8, against the platform's decoder -----------------------------------------------------------

/** The bytes at every place of a line of x's: behind one another, at the end of the datagram, and before a newline. */
function everywhere(sequence: readonly number[]): void {
  const isGood = isUtf8(Uint8Array.from(sequence))
  for (let at = 0; at < 36; at++) {
    for (const behind of [0, 1, 3, 17]) {
      const line = Uint8Array.from([
        ...new Array(at).fill(0x78),
        ...sequence,
        ...new Array(behind).fill(0x78),
      ])
      expect(splitter.split(line).invalidUtf8, `${sequence} at ${at}`).toBe(isGood ? 0 : 1)
      const two = Uint8Array.from([...line, 10, ...line, 10])
      expect(splitter.split(two).invalidUtf8, `${sequence} at ${at}`).toBe(isGood ? 0 : 2)
    }
  }
}

describe('UTF-8', () => {
  it('is told from what is not, for every pair of bytes', () => {
    for (let first = 0x80; first < 0x100; first++) {
      for (let second = 0; second < 0x100; second++) {
        if (second === 10) continue
        const line = Uint8Array.of(first, second)
        expect(splitter.split(line).invalidUtf8, `${first} ${second}`).toBe(isUtf8(line) ? 0 : 1)
      }
    }
  })

  it('is told from what is not, where the rules of three and four bytes change', () => {
    const edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]
    for (let lead = 0xe0; lead <= 0xff; lead++) {
      for (const second of edges) {
        for (const third of edges) {
          const three = Uint8Array.of(lead, second, third)
          expect(splitter.split(three).invalidUtf8, `${three}`).toBe(isUtf8(three) ? 0 : 1)
          for (const fourth of edges) {
            const four = Uint8Array.of(lead, second, third, fourth)
            expect(splitter.split(four).invalidUtf8, `${four}`).toBe(isUtf8(four) ? 0 : 1)
          }
        }
      }
    }
  })

  it('is told from what is not at every place: overlong, surrogates, too large, cut, too many', () => {
    const good = [
      [0xc2, 0x80],
      [0xdf, 0xbf],
      [0xe0, 0xa0, 0x80],
      [0xed, 0x9f, 0xbf],
      [0xef, 0xbf, 0xbf],
      [0xf0, 0x90, 0x80, 0x80],
      [0xf4, 0x8f, 0xbf, 0xbf],
    ]
    const bad = [
      [0x80],
      [0xc0, 0x80],
      [0xc1, 0xbf],
      [0xe0, 0x9f, 0xbf],
      [0xed, 0xa0, 0x80],
      [0xed, 0xbf, 0xbf],
      [0xf0, 0x8f, 0xbf, 0xbf],
      [0xf4, 0x90, 0x80, 0x80],
      [0xf5, 0x80, 0x80, 0x80],
      [0xf8, 0x88, 0x80, 0x80, 0x80],
      [0xff],
      ...good.flatMap((sequence) => sequence.slice(1).map((_, i) => sequence.slice(0, i + 1))),
      ...good.map((sequence) => [...sequence, 0x80]),
    ]
    for (const sequence of good) {
      expect(isUtf8(Uint8Array.from(sequence))).toBe(true)
      everywhere(sequence)
    }
    for (const sequence of bad) {
      expect(isUtf8(Uint8Array.from(sequence))).toBe(false)
      everywhere(sequence)
    }
  })

  it('with one byte spoilt is judged as the platform judges it', () => {
    const random = seeded(5)
    const alphabet = ['a', '{', ' ', 'é', 'ß', '€', '한', '😀', '\u{10ffff}', '\u0800', '\ud7ff', '\ue000']
    for (let run = 0; run < 20_000; run++) {
      const text = Array.from({ length: random.between(1, 40) }, () => random.pick(alphabet)).join('')
      const line = bytesOf(text)
      if (random.chance(0.8)) line[random.between(0, line.length - 1)] = random.between(0, 255)
      const cut = line.subarray(0, random.between(0, line.length)).map((byte) => (byte === 10 ? 11 : byte))
      const datagram = Uint8Array.from([...cut, 10])
      const { invalidUtf8, blank } = splitter.split(datagram)
      expect(invalidUtf8, `${cut}`).toBe(blank === 1 || isUtf8(cut) ? 0 : 1)
    }
  })
})
