// Words of the region, as a person reads them.
import { expect, it } from 'vitest'
import { type Reading, wordText } from '../../src/sim/atlas/words.ts'

const layout = { SHUT: 2, RESET: 8, TIMED_OUT: 1, OPEN: 1, WORKING_BITS: 0xffff, FIRST_SHIFT: 28 }
const names = {
  ofToken: (token: number) => (token === 128 ? 'writer A' : undefined),
  ofSlot: (slot: number) => (slot === 1 ? 'reader' : undefined),
}

it.each<[bigint, Reading | undefined, string]>([
  [7n, undefined, '7'],
  [0n, 'token', 'nobody'],
  [(1n << 32n) | 128n, 'token', 'writer A'],
  [129n, 'token', 'one that is gone'],
  [0n, 'bell', '0 rings'],
  [3n, 'bell', '1 ring, armed'],
  [65n, 'head', '64, being taken'],
  [0b110n, 'slots', 'reader, slot 2'],
  [0n, 'slots', 'none'],
  [0b101n, { each: 'channel' }, 'channel 0, channel 2'],
  [1n, { choice: ['a', 'b'] }, 'b'],
  [1n, { oneOf: [['open', 'OPEN']] }, 'open'],
  [2n, { oneOf: [['open', 'OPEN']] }, '2'],
  [
    10n,
    {
      flags: [
        ['shut', 'SHUT'],
        ['reset', 'RESET'],
      ],
    },
    'shut, reset',
  ],
  [18n, { status: [] }, 'working: 18'],
  [0x20020012n, { status: [['timed out', 'TIMED_OUT']] }, 'final: timed out'],
  [0x20030012n, { status: [['timed out', 'TIMED_OUT']] }, 'final: reason 0, timed out (first)'],
])('%s, %j: %s', (value, reading, text) => {
  expect(wordText(value, reading, layout, names)).toBe(text)
})
