import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LinePacker } from '../../src/core/line-packer.ts'
import { LineRing, type LineRingOptions } from '../../src/core/line-ring.ts'
import { SharedBytes } from '../../src/core/shared-bytes.ts'
import { codeOf } from '../support/code-of.ts'

const OPTIONS: LineRingOptions = {
  capacity: 8,
  policy: 'drop-newest',
  recordBytes: 32,
  maxWriters: 4,
  longestLine: 256,
  newlines: 'refuse',
}

interface Rig {
  readonly writers: readonly LineRing[]
  readonly slots: SharedBytes
  readonly packer: LinePacker
  close(): void
}

function open(options: Partial<LineRingOptions>, writers: number): Rig {
  const ring = LineRing.create({ ...OPTIONS, ...options })
  const slots = SharedBytes.create(4096)
  const packer = new LinePacker(ring, slots)
  const others = Array.from({ length: writers - 1 }, () => LineRing.from(ring.handle))
  const all = [ring, ...others]
  const close = () => {
    packer.close()
    for (const each of all) each.close()
    slots.leave()
  }
  return { writers: all, slots, packer, close }
}

function openForTest(options: Partial<LineRingOptions> = {}, writers = 1): Rig {
  const rig = open(options, writers)
  onTestFinished(() => rig.close())
  return rig
}

const textOf = (rig: Rig, from: number, to: number) => Buffer.from(rig.slots.view(from, to)).toString()

/** A line that says who wrote it and as which, and is `bytes` long if that has room. */
const lineOf = (writer: number, sequence: number, bytes: number) =>
  `${writer}:${sequence}:`.padEnd(bytes, String.fromCharCode(97 + ((writer * 7 + sequence) % 26)))

type Step =
  | { do: 'write'; writer: number; bytes: number }
  | { do: 'pack'; start: number; length: number; limit: number; rounds: number }

const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('write' as const),
        writer: fc.nat(2),
        bytes: fc.oneof(fc.integer({ min: 5, max: 40 }), fc.integer({ min: 5, max: 256 })),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('pack' as const),
        start: fc.nat(50),
        length: fc.integer({ min: 8, max: 400 }),
        limit: fc.integer({ min: 1, max: 40 }),
        rounds: fc.integer({ min: 1, max: 4 }),
      }),
    },
  ),
  { minLength: 1, maxLength: 150 },
)

/** What was written and what came out, held against one another. */
class LineLedger {
  stored = 0
  lines = 0
  unfit = 0
  missed = 0
  readonly #next = [0, 0, 0]
  readonly #written: string[][] = [[], [], []]
  /** How far the reader has come, per writer. */
  readonly #seen = [0, 0, 0]

  write(writer: LineRing, name: number, bytes: number): void {
    const line = lineOf(name, this.#next[name]!, bytes)
    const code = writer.write(line, false)
    if (code === 0) {
      this.stored++
      this.#written[name]!.push(line)
      this.#next[name]!++
    } else expect(code).toBe(writer.codes.FULL)
  }

  /** Lines as they lie in the slot: whole, and those of each writer in order, none twice. */
  take(text: string, lines: number): void {
    expect(text === '' || text.endsWith('\n')).toBe(true)
    const got = text.split('\n').slice(0, -1)
    expect(got.length).toBe(lines)
    for (const line of got) {
      const writer = Number(line[0])
      const at = this.#written[writer]!.indexOf(line, this.#seen[writer])
      expect(at, `${line.slice(0, 12)} is not one of the lines still to come`).toBeGreaterThanOrEqual(0)
      this.#seen[writer] = at + 1
    }
    this.lines += lines
  }
}

function packInto(rig: Rig, ledger: LineLedger, step: Extract<Step, { do: 'pack' }>): void {
  const { packer, slots } = rig
  const { start, limit } = step
  const to = start + step.length
  slots.view(0, slots.length).fill(0x2e)
  let at = start
  for (let round = 0; round < step.rounds; round++) {
    const end = packer.pack(start, at, to, limit)
    expect(end).toBeGreaterThanOrEqual(at)
    expect(end).toBeLessThanOrEqual(to)
    expect(packer.lines).toBeLessThanOrEqual(limit)
    ledger.take(textOf(rig, at, end), packer.lines)
    ledger.missed += packer.missed
    ledger.unfit += packer.unfit
    if (!packer.isFull && packer.lines < limit) expect(rig.writers[0]!.stats().depth).toBe(0)
    if (packer.isFull) expect(rig.writers[0]!.stats().depth).toBeGreaterThan(0)
    at = end
  }
  expect(slots.view(0, start).every((byte) => byte === 0x2e)).toBe(true)
  expect(slots.view(to, slots.length).every((byte) => byte === 0x2e)).toBe(true)
}

describe('packing', () => {
  for (const policy of ['drop-newest', 'drop-oldest'] as const) {
    it(`brings out every line whole, once and in order, and counts the rest exactly (${policy})`, () => {
      fc.assert(
        fc.property(steps, (list) => {
          const rig = open({ policy }, 3)
          const ledger = new LineLedger()
          try {
            for (const step of list) {
              if (step.do === 'write') ledger.write(rig.writers[step.writer]!, step.writer, step.bytes)
              else packInto(rig, ledger, step)
              const { written, depth, missed, read } = rig.writers[0]!.stats()
              expect(written).toBe(ledger.stored)
              expect(read).toBe(ledger.lines + ledger.unfit)
              expect(missed).toBeGreaterThanOrEqual(ledger.missed)
              expect(written).toBe(read + missed + depth)
            }
            packInto(rig, ledger, { do: 'pack', start: 0, length: 4096, limit: 1000, rounds: 2 })
            packInto(rig, ledger, { do: 'pack', start: 0, length: 4096, limit: 1000, rounds: 2 })
            expect(ledger.stored).toBe(ledger.lines + ledger.unfit + ledger.missed)
            if (policy === 'drop-newest') expect(ledger.missed).toBe(0)
          } finally {
            rig.close()
          }
        }),
        { numRuns: 300, seed: 7 },
      )
    })
  }

  it('fills a slot to its last byte', () => {
    const rig = openForTest()
    rig.writers[0]!.write('abc', false)
    rig.writers[0]!.write('defg', false)
    expect(rig.packer.pack(10, 10, 10 + 4 + 5, 10)).toBe(19)
    expect(textOf(rig, 10, 19)).toBe('abc\ndefg\n')
    expect([rig.packer.lines, rig.packer.isFull]).toEqual([2, false])
  })

  it('keeps for the next slot what does not fit, newline included', () => {
    const rig = openForTest()
    const [ring] = rig.writers
    for (const line of ['abc', 'defg', 'h']) ring!.write(line, false)
    expect(rig.packer.pack(0, 0, 8, 10)).toBe(4)
    expect([rig.packer.lines, rig.packer.isFull, rig.packer.unfit]).toEqual([1, true, 0])
    expect(rig.packer.arm(0)).toBe(0) // there is more
    expect(rig.packer.pack(100, 100, 108, 10)).toBe(107)
    expect([rig.packer.isFull, textOf(rig, 100, 107)]).toEqual([false, 'defg\nh\n'])
  })

  it('lets go of a line that no slot has room for, and goes on behind it', () => {
    const rig = openForTest()
    const [ring] = rig.writers
    for (const line of ['ab', 'x'.repeat(20), 'cd']) ring!.write(line, false)
    expect(rig.packer.pack(0, 0, 20, 10)).toBe(6)
    expect([rig.packer.lines, rig.packer.unfit, rig.packer.isFull]).toEqual([2, 1, false])
    expect(textOf(rig, 0, 6)).toBe('ab\ncd\n')
    ring!.write('y'.repeat(19), false)
    expect(rig.packer.pack(0, 5, 20, 10)).toBe(5) // it would fit an empty one
    expect([rig.packer.isFull, rig.packer.unfit]).toEqual([true, 0])
    expect(rig.packer.pack(0, 0, 20, 10)).toBe(20)
  })

  it('takes no more than the limit, which may be none', () => {
    const rig = openForTest()
    for (const line of ['a', 'b', 'c']) rig.writers[0]!.write(line, false)
    expect([rig.packer.pack(0, 0, 100, 0), rig.packer.lines]).toEqual([0, 0])
    expect([rig.packer.pack(0, 0, 100, 2), rig.packer.lines]).toEqual([4, 2])
    expect([rig.packer.pack(0, 4, 100, Number.MAX_SAFE_INTEGER), rig.packer.lines]).toEqual([6, 1])
  })

  it('says what was lost before the lines, once', () => {
    const rig = openForTest({ policy: 'drop-oldest', capacity: 3, recordBytes: 100 })
    for (let i = 0; i < 10; i++) rig.writers[0]!.write(`line ${i}`, false)
    expect(textOf(rig, 0, rig.packer.pack(0, 0, 7, 10))).toBe('line 7\n')
    expect(rig.packer.missed).toBe(7)
    rig.packer.pack(0, 0, 100, 10)
    expect([rig.packer.lines, rig.packer.missed]).toEqual([2, 0])
  })

  it('gives each lane 32 lines in a row, over as many slots as they take', () => {
    const rig = openForTest({ capacity: 200, recordBytes: 32 }, 2)
    for (let i = 0; i < 100; i++)
      for (const [name, writer] of rig.writers.entries()) writer.write(lineOf(name, i, 9), false)
    let text = ''
    do {
      const end = rig.packer.pack(0, 0, 25, 1000)
      text += textOf(rig, 0, end)
    } while (rig.packer.isFull)
    const runs = text.match(/(0:.*\n)+|(1:.*\n)+/g)!
    expect(runs.map((run) => run.split('\n').length - 1)).toEqual([32, 32, 32, 32, 32, 32, 4, 4])
  })

  it('does not lose the turn of a lane that has a rest in hand', () => {
    const rig = openForTest({}, 2)
    const [one, other] = rig.writers
    for (const line of ['a1', 'a2', 'a3']) one!.write(line, false)
    other!.write('b1', false)
    expect(textOf(rig, 0, rig.packer.pack(0, 0, 4, 10))).toBe('a1\n')
    one!.write('a4', false)
    expect(textOf(rig, 0, rig.packer.pack(0, 0, 100, 10))).toBe('a2\na3\na4\nb1\n')
  })

  it('arms the bell when the ring is empty, and a write rings it', () => {
    const rig = openForTest()
    const word = rig.packer.arm(0)
    expect(word).not.toBe(0)
    const { words, index } = rig.packer.bell()
    expect(Atomics.load(words, index)).toBe(word)
    rig.writers[0]!.write('a', false)
    expect(Atomics.load(words, index)).not.toBe(word)
    rig.packer.pack(0, 0, 10, 10)
    const armed = rig.packer.arm(0)
    rig.writers[0]!.wake()
    expect(Atomics.load(words, index)).not.toBe(armed)
  })

  it('does not arm for sleep when a flush was asked for that the reader has not seen', () => {
    const { packer, writers } = openForTest()
    const { outlet } = writers[0]!
    const asked = outlet.askFlush()
    expect(packer.arm(asked - 1)).toBe(0)
    expect(packer.arm(asked)).not.toBe(0)
  })

  it('is done by one endpoint at a time', () => {
    const rig = openForTest({}, 2)
    expect(codeOf(() => new LinePacker(rig.writers[1]!, rig.slots))).toBe('ERR_READER_TAKEN')
    rig.writers[1]!.write('a', false)
    rig.packer.close()
    rig.packer.close()
    expect(codeOf(() => rig.packer.pack(0, 0, 10, 1))).toBe('ERR_CLOSED')
    const next = new LinePacker(rig.writers[1]!, rig.slots)
    expect(next.pack(0, 0, 10, 1)).toBe(2)
    next.close()
  })

  it('writes nowhere but into its slots', () => {
    const { packer, slots } = openForTest()
    for (const [start, from, to] of [
      [0, 0, slots.length + 1],
      [5, 4, 10],
      [0, 11, 10],
      [-1, 0, 10],
    ])
      expect(codeOf(() => packer.pack(start!, from!, to!, 1))).toBe('ERR_INVALID_ARGUMENT')
  })
})
