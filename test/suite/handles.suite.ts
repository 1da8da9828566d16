// Handles: what they join, and what they are refused for. And the roles that endpoints take.
import { ManyToOne, OneToMany, OneToOne } from 'spillway'
import { deepEqual, equal, show, suite, text, throwsCode } from '../support/harness.ts'
import { checkLaw } from './ledger.ts'
import { classOf, type Handle, type Kind, kinds, readAll } from './rigs.ts'

const open = (kind: Kind, capacity = 4, options = {}) => new (classOf(kind))(capacity, null, options)
const join = (kind: Kind, handle: unknown) => classOf(kind).from(handle as never)

/** The handle with some fields changed. Handles are plain objects, whatever is in them. */
const changed = (handle: Handle, fields: object): Handle => ({ ...handle, ...fields })

const notHandles = [undefined, null, 1, 'x', {}, [], () => {}, { spillway: 1 }, { version: 1, memory: {} }]

export const handleSuites = kinds.map((kind) =>
  suite(`${kind}: handles`, (t) => {
    t.test('joins the same ring', () => {
      const one = open(kind)
      const two = join(kind, one.handle)
      one.set('a')
      equal(two.stats().written, 1, 'written, seen by the other endpoint')
      deepEqual(two.handle, one.handle, 'the handle of the other endpoint')
      two.close()
      equal(one.set('b'), true, 'set after the other has left')
      one.close()
    })

    const cloned = () => {
      const one = open(kind)
      const two = join(kind, structuredClone(one.handle))
      one.set('a')
      equal(two.stats().written, 1, 'written')
      one.close()
      two.close()
    }
    t.test('survives structured cloning', cloned, { needs: ['sharing'] })

    t.test('what is no handle', () => {
      for (const handle of notHandles)
        throwsCode(() => join(kind, handle), 'ERR_INVALID_HANDLE', `from(${show(handle)})`)
    })

    t.test('one of another topology', () => {
      for (const other of kinds.filter((name) => name !== kind)) {
        const diode = open(other)
        throwsCode(() => join(kind, diode.handle), 'ERR_INVALID_HANDLE', `${kind}.from(${other})`)
        diode.close()
      }
    })

    t.test('one of another version', () => {
      const diode = open(kind)
      const versionField = Object.entries(diode.handle).find(([name]) => /version|spillway/.test(name))![0]
      for (const version of [0, 2, 999])
        throwsCode(
          () => join(kind, changed(diode.handle, { [versionField]: version })),
          'ERR_HANDLE_VERSION',
          `${version}`,
        )
      diode.close()
    })

    t.test('every field damaged', () => {
      const diode = open(kind)
      const values = [undefined, null, -1, 1.5, Number.NaN, 2 ** 31, 2 ** 32 + 8, 'x', {}]
      for (const field of Object.keys(diode.handle)) {
        for (const value of values) {
          try {
            join(kind, changed(diode.handle, { [field]: value }))
          } catch (error) {
            const { code } = error as { code?: string }
            const isRefused = /^ERR_(INVALID_HANDLE|HANDLE_VERSION|STALE_HANDLE)$/.test(code ?? '')
            equal(isRefused, true, `${field} = ${show(value)} is refused as a handle; ${show(error)}`)
            continue
          }
          throw new Error(`${field} = ${show(value)} was joined`)
        }
      }
      equal(diode.set('still works'), true, 'set')
      diode.close()
    })

    t.test('numbers that name something else never give access to it', () => {
      const diode = open(kind, 4)
      const other = open(kind, 64)
      const numbers = Object.entries(diode.handle).filter(([, value]) => typeof value === 'number')
      for (const [field, value] of numbers) {
        if (/version|spillway/.test(field)) continue
        for (const delta of [1, 8, 64, 128, 256, 1024, 4096, 65_536, -8, -1024, -65_536]) {
          const handle = changed(diode.handle, { [field]: (value as number) + delta })
          try {
            join(kind, handle).close()
          } catch (error) {
            const { code } = error as { code?: string }
            equal(
              code === 'ERR_STALE_HANDLE' || code === 'ERR_INVALID_HANDLE',
              true,
              `${field} + ${delta}: ${show(error)}`,
            )
            continue
          }
          throw new Error(`${field} + ${delta} was joined`)
        }
      }
      other.close()
      diode.close()
    })

    t.test('a stale one is refused, also when its memory is used again', () => {
      const stale: Handle[] = []
      for (let i = 0; i < 20; i++) {
        const diode = open(kind)
        stale.push(diode.handle)
        diode.close()
      }
      const now = open(kind)
      now.set('mine')
      for (const handle of stale) throwsCode(() => join(kind, handle), 'ERR_STALE_HANDLE', 'from')
      equal(now.stats().written, 1, 'written')
      now.close()
    })
  }),
)

export const roleSuites = [
  suite('OneToOne: roles', (t) => {
    t.test("the first to write has the writer's, the first to read the reader's", () => {
      const one = new OneToOne(4)
      const two = OneToOne.from(one.handle)
      one.set('a')
      throwsCode(() => two.set('b'), 'ERR_WRITER_TAKEN', 'set of the second')
      throwsCode(() => two.claim(1), 'ERR_WRITER_TAKEN', 'claim of the second')
      equal(text(two.tryNext()), 'a', 'tryNext of the second')
      throwsCode(() => one.tryNext(), 'ERR_READER_TAKEN', 'tryNext of the first')
      throwsCode(() => one.drain(() => {}), 'ERR_READER_TAKEN', 'drain of the first')
      equal(one.set('c'), true, 'the first still writes')
      equal(text(two.tryNext()), 'c', 'the second still reads')
      checkLaw(one.stats(), 'at the end')
      one.close()
      two.close()
    })

    t.test('close gives them back', () => {
      const one = new OneToOne(4)
      const two = OneToOne.from(one.handle)
      const three = OneToOne.from(one.handle)
      one.set('a')
      two.tryNext()
      throwsCode(() => three.set('b'), 'ERR_WRITER_TAKEN')
      throwsCode(() => three.tryNext(), 'ERR_READER_TAKEN')
      one.close()
      two.close()
      equal(three.set('b'), true, 'set')
      equal(text(three.tryNext()), 'b', 'tryNext')
      three.close()
    })

    t.test("a claim that its writer left behind is nobody's", () => {
      const one = new OneToOne(4)
      const two = OneToOne.from(one.handle)
      one.set('a')
      one.claim(10)!.fill(1)
      one.close()
      equal(two.set('b'), true, 'set')
      deepEqual(readAll(two).map(text), ['a', 'b'])
      checkLaw(two.stats(), 'at the end')
      two.close()
    })
  }),

  suite('OneToMany: roles', (t) => {
    t.test('one writer', () => {
      const one = new OneToMany(4)
      const two = OneToMany.from(one.handle)
      one.set('a')
      throwsCode(() => two.set('b'), 'ERR_WRITER_TAKEN')
      one.close()
      equal(two.set('b'), true, 'set after the first has left')
      two.close()
    })

    t.test('any number of pollers, each with its own position and its own losses', () => {
      const diode = new OneToMany(4)
      const alerts = [0, 0, 0]
      const pollers = alerts.map((_, i) => diode.poller((missed) => (alerts[i]! += missed)))
      for (let i = 0; i < 4; i++) diode.set(`${i}`)
      deepEqual(readAll(pollers[0]!).map(text), ['0', '1', '2', '3'], 'poller 0')
      equal(text(pollers[1]!.tryNext()), '0', 'poller 1')
      for (let i = 4; i < 7; i++) diode.set(`${i}`)
      deepEqual(readAll(pollers[0]!).map(text), ['4', '5', '6'], 'poller 0')
      deepEqual(readAll(pollers[1]!).map(text), ['3', '4', '5', '6'], 'poller 1')
      deepEqual(readAll(pollers[2]!).map(text), ['3', '4', '5', '6'], 'poller 2')
      deepEqual(alerts, [0, 2, 3], 'alerts')
      for (const [i, poller] of pollers.entries()) {
        checkLaw(poller.stats(), `poller ${i}`)
        equal(poller.stats().missed, alerts[i]!, `missed of poller ${i}`)
        poller.close()
      }
      checkLaw(diode.stats(), 'ring')
      diode.close()
    })

    t.test('one that comes late begins with what is there', () => {
      const diode = new OneToMany(3)
      for (let i = 0; i < 5; i++) diode.set(`${i}`)
      const alerts: number[] = []
      const late = diode.poller((missed) => alerts.push(missed))
      checkLaw(late.stats(), 'on arrival')
      deepEqual(readAll(late).map(text), ['2', '3', '4'])
      deepEqual(alerts, [], 'it has missed nothing')
      checkLaw(late.stats(), 'at the end')
      late.close()
      diode.close()
    })

    t.test('under drop-newest the slowest decides, until it leaves', () => {
      const diode = new OneToMany(2, null, { policy: 'drop-newest' })
      const fast = diode.poller()
      const slow = diode.poller()
      equal(diode.set('a') && diode.set('b'), true, 'two sets')
      readAll(fast)
      equal(diode.set('c'), false, 'set with a slow poller')
      equal(text(slow.tryNext()), 'a', 'slow')
      equal(diode.set('c'), true, 'set after the slow one has read')
      equal(diode.set('d'), false, 'set, full again')
      slow.close()
      readAll(fast)
      equal(diode.set('d'), true, 'set after the slow one has left')
      equal(text(fast.tryNext()), 'd', 'fast')
      checkLaw(diode.stats(), 'ring')
      checkLaw(fast.stats(), 'fast')
      fast.close()
      diode.close()
    })

    t.test('pollers come and go', () => {
      const diode = new OneToMany(8)
      for (let round = 0; round < 300; round++) {
        const poller = diode.poller()
        diode.set(`${round}`)
        equal(text(readAll(poller).at(-1)), `${round}`, `round ${round}`)
        checkLaw(poller.stats(), `round ${round}`)
        poller.close()
        equal(poller.tryNext(), undefined, 'tryNext after close')
      }
      diode.close()
    })

    t.test('a poller of a ring that its writer has closed reads what is left', () => {
      const diode = new OneToMany(4)
      const other = OneToMany.from(diode.handle)
      const poller = other.poller()
      diode.set('a')
      diode.set('b')
      diode.close()
      deepEqual(readAll(poller).map(text), ['a', 'b'])
      poller.close()
      other.close()
    })
  }),

  suite('ManyToOne: roles', (t) => {
    t.test('one reader', () => {
      const one = new ManyToOne(4)
      const two = ManyToOne.from(one.handle)
      one.set('a')
      equal(two.set('b'), true, 'a second writer')
      deepEqual(readAll(two).map(text).sort(), ['a', 'b'])
      throwsCode(() => one.tryNext(), 'ERR_READER_TAKEN', 'tryNext')
      throwsCode(() => one.drain(() => {}), 'ERR_READER_TAKEN', 'drain')
      two.close()
      one.set('c')
      equal(text(one.tryNext()), 'c', 'tryNext after the reader has left')
      one.close()
    })

    t.test('as many writers as maxWriters, at the first set', () => {
      const reader = new ManyToOne(4, null, { maxWriters: 3 })
      const writers = Array.from({ length: 4 }, () => ManyToOne.from(reader.handle))
      for (let i = 0; i < 3; i++) equal(writers[i]!.set(`${i}`), true, `writer ${i}`)
      throwsCode(() => writers[3]!.set('3'), 'ERR_TOO_MANY_WRITERS', 'set of the fourth')
      throwsCode(() => writers[3]!.claim(1), 'ERR_TOO_MANY_WRITERS', 'claim of the fourth')
      equal(writers[0]!.set('again'), true, 'the first still writes')
      writers[1]!.close()
      equal(writers[3]!.set('3'), true, 'the fourth, after one has left')
      deepEqual(readAll(reader).map(text).sort(), ['0', '1', '2', '3', 'again'])
      checkLaw(reader.stats(), 'at the end')
      for (const writer of writers) writer.close()
      reader.close()
    })

    t.test('what a writer left behind is still delivered, and writers come and go', () => {
      const reader = new ManyToOne(8, null, { maxWriters: 2 })
      const expected: string[] = []
      const got: (string | undefined)[] = []
      for (let round = 0; round < 300; round++) {
        const writer = ManyToOne.from(reader.handle)
        for (let i = 0; i < round % 4; i++) {
          writer.set(`${round}.${i}`)
          expected.push(`${round}.${i}`)
        }
        writer.close()
        if (round % 2) got.push(...readAll(reader).map(text))
      }
      got.push(...readAll(reader).map(text))
      deepEqual(got.sort(), expected.sort())
      checkLaw(reader.stats(), 'at the end')
      reader.close()
    })

    t.test("capacity is each writer's own", () => {
      const alerts: number[] = []
      const reader = new ManyToOne(2, (missed) => alerts.push(missed))
      const [loud, quiet] = [ManyToOne.from(reader.handle), ManyToOne.from(reader.handle)]
      quiet.set('quiet')
      for (let i = 0; i < 50; i++) loud.set(`${i}`)
      deepEqual(readAll(reader).map(text).sort(), ['48', '49', 'quiet'])
      deepEqual(
        alerts.filter((missed) => missed > 0),
        [48],
        'alerts',
      )
      checkLaw(reader.stats(), 'at the end')
      for (const diode of [loud, quiet, reader]) diode.close()
    })

    t.test('no writer starves another at the reader', () => {
      const reader = new ManyToOne(64)
      const writers = Array.from({ length: 4 }, () => ManyToOne.from(reader.handle))
      for (const [w, writer] of writers.entries()) for (let i = 0; i < 64; i++) writer.set(`${w}.${i}`)
      const seen = new Set<string>()
      for (let i = 0; i < 200; i++) seen.add(text(reader.tryNext())!.split('.')[0]!)
      equal(seen.size, 4, 'writers heard in the first 200 of 256 records')
      for (const writer of writers) writer.set('later')
      readAll(reader)
      checkLaw(reader.stats(), 'at the end')
      for (const diode of [...writers, reader]) diode.close()
    })
  }),
]
