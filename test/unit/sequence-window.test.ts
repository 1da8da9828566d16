import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SequenceWindow } from '../../src/net/sequence-window.ts'

const WINDOW = 1024

describe('a window of datagram numbers', () => {
  it('sees what is missing, doubled, out of order', () => {
    const window = new SequenceWindow()
    window.beginAtZero()
    expect([0, 1, 4, 4, 3, 0].map((d) => window.take(d))).toEqual([
      'new',
      'new',
      'new',
      'duplicate',
      'new',
      'duplicate',
    ])
    expect({ gaps: window.gaps, reordered: window.reordered }).toEqual({ gaps: 1, reordered: 1 })
  })

  it('counts from its first number on, unless it is known that there were others before', () => {
    const [inTheMiddle, whole] = [new SequenceWindow(), new SequenceWindow()]
    whole.beginAtZero()
    for (const window of [inTheMiddle, whole]) for (const d of [100, 102]) window.take(d)
    expect([inTheMiddle.gaps, whole.gaps]).toEqual([1, 101])
  })

  it('cannot tell what is older than it', () => {
    const window = new SequenceWindow()
    window.take(0)
    window.take(WINDOW)
    expect(window.take(0)).toBe('late')
    expect(window.take(1)).toBe('new')
  })

  it('forgets all at a leap', () => {
    const window = new SequenceWindow()
    window.take(5)
    window.take(5 + 64 * WINDOW)
    expect(window.take(5 + 63 * WINDOW + 1)).toBe('new')
    expect(window.gaps).toBe(64 * WINDOW - 2)
  })

  it('does not take for known what its bits were for a lap ago', () => {
    const window = new SequenceWindow()
    for (let d = 0; d < WINDOW; d++) window.take(d)
    window.take(WINDOW + 6)
    expect(window.take(WINDOW + 3)).toBe('new')
  })

  it('takes the greatest numbers that there are', () => {
    const window = new SequenceWindow()
    const top = Number.MAX_SAFE_INTEGER - 1
    expect([top - 1, top, top, top - 2].map((d) => window.take(d))).toEqual([
      'new',
      'new',
      'duplicate',
      'new',
    ])
  })

  it('agrees with a set of everything that came', () => {
    const leaps = fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: -40, max: 60 }) },
      { weight: 1, arbitrary: fc.integer({ min: -2 * WINDOW, max: 2 * WINDOW }) },
    )
    fc.assert(
      fc.property(fc.array(leaps, { maxLength: 400 }), (steps) => {
        const window = new SequenceWindow()
        const seen = new Set<number>()
        let highest = -1
        let lowest = Number.POSITIVE_INFINITY
        let at = 3000
        for (const step of steps) {
          at = Math.max(0, at + step)
          const isLate = at <= highest - WINDOW
          const expected = isLate ? 'late' : seen.has(at) ? 'duplicate' : 'new'
          expect(window.take(at)).toBe(expected)
          if (expected !== 'new') continue
          seen.add(at)
          highest = Math.max(highest, at)
          lowest = Math.min(lowest, at)
          expect(window.gaps).toBe(highest - lowest + 1 - seen.size)
        }
      }),
    )
  })
})
