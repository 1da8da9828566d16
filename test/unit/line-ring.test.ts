import { describe, expect, it, onTestFinished } from 'vitest'
import { LinePacker } from '../../src/core/line-packer.ts'
import { LineRing, type LineRingOptions } from '../../src/core/line-ring.ts'
import { defaultRegion } from '../../src/core/region.ts'
import { SharedBytes } from '../../src/core/shared-bytes.ts'
import { counter } from '../../src/net/counters.ts'
import { codeOf } from '../support/code-of.ts'

const OPTIONS: LineRingOptions = {
  capacity: 8,
  policy: 'drop-newest',
  recordBytes: 64,
  maxWriters: 4,
  longestLine: 100,
  newlines: 'refuse',
}

/** A ring, and what it gives to its reader, as text. */
function openRing(options: Partial<LineRingOptions> = {}) {
  const ring = LineRing.create({ ...OPTIONS, ...options })
  const slots = SharedBytes.create(100_000)
  const packer = new LinePacker(ring, slots)
  onTestFinished(() => {
    packer.close()
    ring.close()
    slots.leave()
  })
  const read = () => Buffer.from(slots.view(0, packer.pack(0, 0, slots.length, 1000))).toString()
  return { ring, read, slots, packer }
}

describe('a line', () => {
  it('is stored as it is, bytes or text, and comes out with a newline', () => {
    const { ring, read } = openRing()
    expect(ring.write('{"a":"é"}', false)).toBe(0)
    expect(ring.write(new TextEncoder().encode('[1]'), true)).toBe(0)
    expect(read()).toBe('{"a":"é"}\n[1]\n')
    expect(ring.stats()).toMatchObject({ offered: 2, written: 2, read: 2, depth: 0 })
  })

  it('loses one newline at its end, with the carriage return before it, when it is scanned', () => {
    for (const [given, kept] of [
      ['a\n', 'a'],
      ['a\r\n', 'a'],
      ['a\r', 'a\r'],
      ['a\r\r\n', 'a\r'],
      ['\ra', '\ra'],
    ]) {
      const { ring, read } = openRing()
      expect(ring.write(given!, true)).toBe(0)
      expect(read()).toBe(`${kept}\n`)
    }
  })

  it('is no event when nothing is left of it: neither stored nor counted', () => {
    const { ring, read } = openRing()
    expect(['', '\n', '\r\n'].map((line) => ring.write(line, true))).toEqual([0, 0, 0])
    expect(ring.write('', false)).toBe(0)
    expect(read()).toBe('')
    expect(ring.stats().offered).toBe(0)
    expect([ring.outlet.get(counter.oversize), ring.outlet.get(counter.rawNewline)]).toEqual([0, 0])
  })

  it('with a newline inside is refused and counted, wherever that is', () => {
    const { ring, read } = openRing({ newlines: 'refuse' })
    for (let length = 1; length <= 70; length++) {
      for (let at = 0; at < length; at++) {
        const line = 'x'.repeat(at) + '\n'.repeat(1) + 'x'.repeat(length - at)
        expect(ring.write(line, true)).toBe(ring.codes.RAW_NEWLINE)
      }
    }
    expect(ring.write('a\n\n', true)).toBe(ring.codes.RAW_NEWLINE)
    expect(ring.outlet.get(counter.rawNewline)).toBe((70 * 71) / 2 + 1)
    expect([ring.stats().offered, read()]).toEqual([0, ''])
  })

  it('with newlines inside has spaces there, where the rule says so', () => {
    const { ring, read } = openRing({ newlines: 'escape' })
    for (let length = 1; length <= 70; length++) {
      for (let at = 0; at < length; at++) {
        const line = 'x'.repeat(at) + '\n'.repeat(1 + (at % 3)) + 'x'.repeat(length - at)
        expect(ring.write(line, true)).toBe(0)
        expect(read()).toBe(`${line.replaceAll('\n', ' ')}\n`)
      }
    }
    expect(ring.write('{\n"a":\n1\n}\n', true)).toBe(0)
    expect(read()).toBe('{ "a": 1 }\n')
    expect(ring.outlet.get(counter.rawNewline)).toBe(0)
  })

  it('is not looked at when it is not scanned', () => {
    const { ring, read } = openRing()
    expect(ring.write('a\nb\n', false)).toBe(0)
    expect(read()).toBe('a\nb\n\n')
  })

  it('longer than the longest is counted as that, its ending not', () => {
    const { ring, read } = openRing()
    expect(ring.write('x'.repeat(100), false)).toBe(0)
    expect(ring.write(`${'y'.repeat(100)}\r\n`, true)).toBe(0)
    expect(ring.write('x'.repeat(101), false)).toBe(ring.codes.OVERSIZE)
    expect(ring.write('é'.repeat(51), false)).toBe(ring.codes.OVERSIZE)
    expect(ring.outlet.get(counter.oversize)).toBe(2)
    expect(ring.stats()).toMatchObject({ offered: 2, oversize: 0 })
    expect(read()).toBe(`${'x'.repeat(100)}\n${'y'.repeat(100)}\n`)
  })

  it('longer than the scratch is counted as oversize, and one that only might be is stored', () => {
    const { SCRATCH_BYTES } = defaultRegion().layout
    const longestLine = SCRATCH_BYTES - 2
    const { ring, read } = openRing({ longestLine, capacity: 2, recordBytes: longestLine })
    const longest = 'z'.repeat(longestLine)
    expect(ring.write(longest, true)).toBe(0) // three bytes for each character would be too many
    expect(read()).toBe(`${longest}\n`)
    expect(ring.write('é'.repeat(SCRATCH_BYTES / 2 + 1), true)).toBe(ring.codes.OVERSIZE)
    expect(ring.write('z'.repeat(10 * SCRATCH_BYTES), true)).toBe(ring.codes.OVERSIZE)
    expect(ring.write(new Uint8Array(SCRATCH_BYTES + 1), true)).toBe(ring.codes.OVERSIZE)
    expect(ring.outlet.get(counter.oversize)).toBe(3)
    ring.outlet.shut()
    expect(ring.write('z'.repeat(10 * SCRATCH_BYTES), true)).toBe(ring.codes.CLOSED)
    expect(ring.outlet.get(counter.oversize)).toBe(3)
  })

  it('finds the ring full under drop-newest, and is counted by it', () => {
    const { ring, read } = openRing({ capacity: 2 })
    expect(['a', 'b', 'c'].map((line) => ring.write(line, false))).toEqual([0, 0, ring.codes.FULL])
    expect(ring.stats()).toMatchObject({ offered: 3, written: 2, dropped: 1 })
    expect(read()).toBe('a\nb\n')
  })

  it('is refused when the outlet is shut, by every endpoint, and counted nowhere', () => {
    const { ring, read } = openRing()
    const other = LineRing.from(structuredClone(ring.handle))
    expect(other.write('before', false)).toBe(0)
    ring.outlet.shut()
    expect([other.write('after', false), ring.write('after', true)]).toEqual([
      ring.codes.CLOSED,
      ring.codes.CLOSED,
    ])
    expect(read()).toBe('before\n')
    expect(ring.stats().offered).toBe(1)
    other.close()
    expect(other.write('after', false)).toBe(ring.codes.CLOSED)
  })

  it('must be bytes or text', () => {
    const { ring } = openRing()
    expect(codeOf(() => ring.write(7 as unknown as string, true))).toBe('ERR_INVALID_ARGUMENT')
  })
})

describe('a ring of lines', () => {
  it('must have room for the longest', () => {
    expect(codeOf(() => LineRing.create({ ...OPTIONS, capacity: 1, recordBytes: 99 }))).toBe(
      'ERR_INVALID_ARGUMENT',
    )
    LineRing.create({ ...OPTIONS, capacity: 1, recordBytes: 100 }).close()
  })

  it('takes no handle but its own', () => {
    const { ring } = openRing()
    const { handle } = ring
    const { memory, ...rest } = handle
    for (const wrong of [
      undefined,
      null,
      7,
      {},
      rest,
      { ...handle, topology: 'ManyToOne' },
      { ...handle, outlet: undefined },
      { ...handle, outlet: { address: 1.5, generation: 1 } },
      { ...handle, address: 0 },
      { ...handle, memory: new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }) },
    ])
      expect(codeOf(() => LineRing.from(wrong))).toBe('ERR_INVALID_HANDLE')
    expect(codeOf(() => LineRing.from({ ...handle, spillway: 99 }))).toBe('ERR_HANDLE_VERSION')
    expect(codeOf(() => LineRing.from({ ...handle, outlet: { address: 4096, generation: 1 } }))).toBe(
      'ERR_STALE_HANDLE',
    )
    expect(codeOf(() => LineRing.from({ ...handle, address: handle.outlet.address }))).toBe(
      'ERR_STALE_HANDLE',
    )
  })

  it('gives its memory back when the last endpoint closes, and keeps its figures', () => {
    const used = defaultRegion().abi.usedGranules()
    const ring = LineRing.create(OPTIONS)
    const other = LineRing.from(ring.handle)
    ring.write('a', false)
    other.write('b', false)
    ring.outlet.add(9, 3)
    ring.close()
    ring.close()
    expect([ring.isOpen, other.isOpen]).toEqual([false, true])
    other.close()
    expect(codeOf(() => LineRing.from(ring.handle))).toBe('ERR_STALE_HANDLE')
    expect(other.stats()).toMatchObject({ offered: 2, depth: 2 })
    expect(other.outlet.get(9)).toBe(3)
    expect(defaultRegion().abi.usedGranules()).toBe(used)
  })
})
