// What goes in comes out, whole and unchanged.
import { bytes, deepEqual, equal, ok, suite, text } from '../support/harness.ts'
import { fillPayload, readPayload } from '../support/payload.ts'
import { checkPair } from './ledger.ts'
import { type Build, type Kind, type Policy, readAll, withPair } from './rigs.ts'

const strings = {
  empty: '',
  ASCII: 'hello, world',
  'two bytes a letter': 'äöüßéñ жук',
  'three bytes a letter': '漢字かな交じり文',
  'four bytes a letter': '😀👩‍👩‍👧‍👦𝒳',
  'a lone high surrogate': 'a\ud83dz',
  'a lone low surrogate': 'a\ude00z',
  'a lone surrogate at the end': 'a\ud83d',
  'zero and newline': 'a\0b\nc',
  'a byte order mark': '\ufeffa',
}

export const recordsSuite = (kind: Kind, policy: Policy, build: Build) =>
  suite(`${kind}, ${policy}: records`, (t) => {
    t.test('every length from 0 to the longest', () =>
      withPair(build(8, null, { recordBytes: 40 }), (pair) => {
        const longest = 8 * 40
        for (let length = 0; length <= longest; length++) {
          const record = new Uint8Array(length)
          fillPayload(record, 7, length)
          equal(pair.writer.set(record), true, `set of ${length} bytes`)
          deepEqual(pair.reader.tryNext(), record, `${length} bytes`)
        }
        checkPair(pair, 'at the end')
      }),
    )

    t.test('one byte more than the longest is refused and counted', () =>
      withPair(build(4, null, { recordBytes: 10 }), (pair) => {
        equal(pair.writer.set(new Uint8Array(40)), true, 'the longest')
        readAll(pair.reader)
        equal(pair.writer.set(new Uint8Array(41)), false, 'one more')
        equal(pair.writer.set('x'.repeat(41)), false, 'one more, as a string')
        equal(pair.writer.set('é'.repeat(21)), false, '42 bytes in 21 letters')
        equal(pair.writer.set(new Uint8Array(1_000_000)), false, 'a million')
        equal(pair.writer.set('x'.repeat(1_000_000)), false, 'a million, as a string')
        const { oversize, written, dropped } = pair.writer.stats()
        deepEqual({ oversize, written, dropped }, { oversize: 5, written: 1, dropped: 0 })
        equal(pair.reader.tryNext(), undefined, 'tryNext')
        checkPair(pair, 'at the end')
      }),
    )

    t.test('long records, up to a megabyte', () =>
      withPair(build(16, null, { recordBytes: 65_536 }), (pair) => {
        for (const length of [4095, 4096, 65_535, 65_536, 65_537, 300_000, 16 * 65_536]) {
          const record = new Uint8Array(length)
          fillPayload(record, 3, length)
          equal(pair.writer.set(record), true, `set of ${length} bytes`)
          const got = pair.reader.tryNext()
          ok(got, `${length} bytes come out`)
          equal(got.length, length, 'length')
          deepEqual(readPayload(got), { writer: 3, sequence: length }, `${length} bytes`)
          const string = 'é'.repeat(length >> 1)
          equal(pair.writer.set(string), true, `string of ${length} bytes`)
          ok(text(pair.reader.tryNext()) === string, `string of ${length} bytes comes out`)
        }
        checkPair(pair, 'at the end')
      }),
    )

    for (const [name, string] of Object.entries(strings)) {
      t.test(`a string as UTF-8: ${name}`, () =>
        withPair(build(4), (pair) => {
          equal(pair.writer.set(string), true, 'set')
          deepEqual(pair.reader.tryNext(), bytes(string), name)
        }),
      )
    }

    t.test('strings that fill the ring to the byte', () =>
      withPair(build(2, null, { recordBytes: 9 }), (pair) => {
        for (const string of ['x'.repeat(18), 'é'.repeat(9), '漢'.repeat(6), `${'😀'.repeat(4)}é`]) {
          equal(pair.writer.set(string), true, `set ${string}`)
          equal(text(pair.reader.tryNext()), string, 'tryNext')
        }
      }),
    )

    t.test('a view into a larger buffer, and a Buffer or other subclass', () =>
      withPair(build(4), (pair) => {
        class Bytes extends Uint8Array {}
        pair.writer.set(bytes('xxhelloxx').subarray(2, 7))
        pair.writer.set(Bytes.from([1, 2, 3]))
        const got = readAll(pair.reader)
        deepEqual(got, [bytes('hello'), new Uint8Array([1, 2, 3])])
        ok(
          got.every((record) => record.constructor === Uint8Array),
          'records are plain Uint8Arrays',
        )
      }),
    )

    t.test("a record read is the caller's own copy", () =>
      withPair(build(2), (pair) => {
        pair.writer.set('first')
        const first = pair.reader.tryNext()
        for (let i = 0; i < 100; i++) {
          pair.writer.set(`later ${i}`)
          pair.reader.tryNext()?.fill(0)
        }
        equal(text(first), 'first', 'the record kept')
        first!.fill(0)
        pair.writer.set('last')
        equal(text(pair.reader.tryNext()), 'last', 'the record after it')
      }),
    )

    t.test('the record given may be changed as soon as set returns', () =>
      withPair(build(2), (pair) => {
        const record = bytes('before')
        pair.writer.set(record)
        record.fill(0)
        equal(text(pair.reader.tryNext()), 'before', 'tryNext')
      }),
    )
  })
