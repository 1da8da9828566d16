// Misuse that can be seen at the call: ERR_INVALID_ARGUMENT, and nothing else happens.
import { ManyToOne, OneToMany, Poller, SpillwayError, Waiter } from 'spillway'
import { equal, ok, show, suite, throwsCode } from '../support/harness.ts'
import { type Build, builderOf, classOf, kinds, withPair } from './rigs.ts'

const notCapacities = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40, '3', null, undefined, {}]
const notCounts = [0, -1, 1.5, Number.NaN, '3', null, {}]
const notRecords = [
  undefined,
  null,
  42,
  {},
  [1, 2],
  new ArrayBuffer(3),
  new Uint16Array(2),
  new DataView(new ArrayBuffer(2)),
]

const invalid = (what: string, fn: () => unknown) => throwsCode(fn, 'ERR_INVALID_ARGUMENT', what)

export const argumentSuites = kinds.map((kind) =>
  suite(`${kind}: invalid arguments`, (t) => {
    const Diode = classOf(kind) as unknown as new (
      capacity: unknown,
      alert?: unknown,
      options?: unknown,
    ) => unknown
    const build: Build = builderOf(kind, 'drop-oldest')

    t.test('capacity', () => {
      for (const capacity of notCapacities) invalid(`capacity ${show(capacity)}`, () => new Diode(capacity))
    })

    t.test('alert', () => {
      for (const alert of [1, 'x', {}, true]) invalid(`alert ${show(alert)}`, () => new Diode(1, alert))
    })

    t.test('options', () => {
      for (const policy of ['drop', '', 1, null, 'DROP-OLDEST'])
        invalid(`policy ${show(policy)}`, () => new Diode(1, null, { policy }))
      for (const recordBytes of [...notCounts, 2 ** 40])
        invalid(`recordBytes ${show(recordBytes)}`, () => new Diode(1, null, { recordBytes }))
      for (const options of [1, 'x', null])
        invalid(`options ${show(options)}`, () => new Diode(1, null, options))
      invalid('a ring larger than memory', () => new Diode(2 ** 20, null, { recordBytes: 2 ** 20 }))
    })

    t.test('records', () =>
      withPair(build(4), (pair) => {
        for (const record of notRecords)
          invalid(`set(${show(record)})`, () => pair.writer.set(record as never))
        equal(pair.writer.stats().offered, 0, 'offered')
      }),
    )

    t.test('drain', () =>
      withPair(build(4), (pair) => {
        pair.writer.set('a')
        for (const fn of [undefined, null, 1, {}])
          invalid(`drain(${show(fn)})`, () => pair.reader.drain(fn as never))
        for (const limit of [-1, 1.5, Number.NaN, '3', null])
          invalid(`drain limit ${show(limit)}`, () => pair.reader.drain(() => {}, limit as never))
        equal(pair.reader.stats().depth, 1, 'depth')
      }),
    )

    t.test('Poller and Waiter', () =>
      withPair(build(4), ({ reader }) => {
        for (const other of [undefined, null, {}, 1, 'x']) {
          invalid(`new Poller(${show(other)})`, () => new Poller(other as never))
          invalid(`new Waiter(${show(other)})`, () => new Waiter(other as never))
        }
        for (const intervalMs of [-1, Number.NaN, '3', {}])
          invalid(`intervalMs ${show(intervalMs)}`, () => new Poller(reader, { intervalMs } as never))
        for (const signal of [1, 'x', {}]) {
          invalid(`Poller signal ${show(signal)}`, () => new Poller(reader, { signal } as never))
          invalid(`Waiter signal ${show(signal)}`, () => new Waiter(reader, { signal } as never))
        }
        for (const timeoutMs of [-1, Number.NaN, '3'])
          invalid(`nextSync(${show(timeoutMs)})`, () => new Waiter(reader).nextSync(timeoutMs as never))
      }),
    )

    t.test('the error is a SpillwayError', () => {
      try {
        new Diode(0)
      } catch (error) {
        ok(error instanceof SpillwayError && error instanceof Error, 'an Error and a SpillwayError')
        equal(error.name, 'SpillwayError', 'name')
      }
    })

    if (kind === 'ManyToOne') {
      t.test('maxWriters', () => {
        for (const maxWriters of [...notCounts, 1e6])
          invalid(`maxWriters ${show(maxWriters)}`, () => new ManyToOne(1, null, { maxWriters } as never))
      })
    }

    if (kind === 'OneToMany') {
      t.test('poller', () => {
        const diode = new OneToMany(1)
        for (const alert of [1, 'x', {}])
          invalid(`poller(${show(alert)})`, () => diode.poller(alert as never))
        diode.close()
      })
    }
  }),
)
