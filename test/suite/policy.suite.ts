// What is kept and what is lost, against an array.

import { type Random, seeded } from '../../src/sim/network/random.ts'
import { deepEqual, equal, show, suite, text } from '../support/harness.ts'
import { ArrayModel } from './array-model.ts'
import { checkLaw, checkPair } from './ledger.ts'
import { type Build, type Kind, type Pair, type Policy, readAll, withPair } from './rigs.ts'

export const policySuite = (kind: Kind, policy: Policy, build: Build) =>
  suite(`${kind}, ${policy}: what is kept`, (t) => {
    t.test('a ring of 3 that takes a b c d', () => {
      const alerts: number[] = []
      return withPair(
        build(3, (missed) => alerts.push(missed)),
        (pair) => {
          const stored = ['a', 'b', 'c', 'd'].map((record) => pair.writer.set(record))
          const got = readAll(pair.reader).map(text)
          if (policy === 'drop-oldest') {
            deepEqual(
              { stored, got, alerts },
              { stored: [true, true, true, true], got: ['b', 'c', 'd'], alerts: [1] },
            )
          } else {
            deepEqual(
              { stored, got, alerts },
              { stored: [true, true, true, false], got: ['a', 'b', 'c'], alerts: [] },
            )
            equal(pair.writer.stats().dropped, 1, 'dropped')
          }
          checkPair(pair, 'after a b c d')
        },
      )
    })

    t.test('loses exactly the overwritten, whatever the lap', () =>
      withPair(build(4), (pair) => {
        for (let count = 1; count <= 40; count++) {
          for (let i = 0; i < count; i++) pair.writer.set(`${count}.${i}`)
          const first = policy === 'drop-oldest' ? Math.max(0, count - 4) : 0
          const expected = Array.from({ length: Math.min(4, count) }, (_, i) => `${count}.${first + i}`)
          deepEqual(readAll(pair.reader).map(text), expected, `after ${count} sets`)
          checkPair(pair, `after ${count} sets`)
        }
      }),
    )

    t.test('a ring of one', () =>
      withPair(build(1), (pair) => {
        pair.writer.set('a')
        pair.writer.set('b')
        deepEqual(readAll(pair.reader).map(text), [policy === 'drop-oldest' ? 'b' : 'a'])
        checkPair(pair, 'after a b')
      }),
    )

    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const random = seeded(seed)
      const shape = { capacity: random.between(1, 40), recordBytes: random.pick([1, 3, 8, 24, 100]) }
      t.test(`does as an array does, seed ${seed}, ${shape.capacity} x ${shape.recordBytes}`, () =>
        againstModel(build, policy, shape, random),
      )
    }

    t.test('many short records before one that takes the whole ring', () => {
      const alerts: number[] = []
      return withPair(
        build(8, (missed) => alerts.push(missed), { recordBytes: 16 }),
        (pair) => {
          for (let lap = 0; lap < 50; lap++) {
            for (let i = 0; i < 8; i++) pair.writer.set(new Uint8Array(i).fill(lap))
            const whole = new Uint8Array(8 * 16).fill(lap)
            const isStored = pair.writer.set(whole)
            equal(isStored, policy === 'drop-oldest', 'the long one is stored')
            const got = readAll(pair.reader)
            if (isStored) deepEqual(got, [whole], `lap ${lap}`)
            else equal(got.length, 8, `lap ${lap}`)
            checkPair(pair, `lap ${lap}`)
          }
          deepEqual(alerts, policy === 'drop-oldest' ? Array(50).fill(8) : [])
        },
      )
    })
  })

interface Shape {
  capacity: number
  recordBytes: number
}

async function againstModel(build: Build, policy: Policy, shape: Shape, random: Random): Promise<void> {
  const { capacity, recordBytes } = shape
  const alerts: number[] = []
  const model = new ArrayModel(capacity, recordBytes, policy)
  const pair = build(capacity, (missed) => alerts.push(missed), { recordBytes })
  const history: string[] = []
  try {
    await withPair(pair, () => {
      for (let step = 0; step < 3000; step++) {
        if (random.chance(random.chance(0.5) ? 0.8 : 0.3)) compareSet(pair, model, random, history)
        else compareNext(pair, model, alerts, history)
        compareStats(pair, model, shape)
      }
    })
  } catch (error) {
    throw new Error(`seed ${random.seed}, last steps: ${history.slice(-12).join('; ')}: ${show(error)}`)
  }
}

function compareSet(pair: Pair, model: ArrayModel, random: Random, history: string[]): void {
  const longest = model.capacityBytes
  const length = random.pick([
    0,
    1,
    random.between(0, longest),
    random.between(0, longest / 4),
    longest,
    longest + 1,
  ])
  const record = new Uint8Array(length).map((_, i) => (length + i * 7 + history.length) & 0xff)
  history.push(`set ${length} bytes`)
  equal(pair.writer.set(record), model.set(record), 'set')
}

function compareNext(pair: Pair, model: ArrayModel, alerts: number[], history: string[]): void {
  history.push('tryNext')
  alerts.length = 0
  const got = pair.reader.tryNext()
  const { record, alert } = model.next()
  deepEqual(got, record, 'tryNext')
  deepEqual(alerts, alert === 0 ? [] : [alert], 'alerts')
}

function compareStats(pair: Pair, model: ArrayModel, shape: Shape): void {
  const { capacity, capacityBytes, ...reading } = pair.reader.stats()
  const { offered, dropped, oversize } = pair.writer.stats()
  // To a poller of a one-to-many, what the writer dropped was never offered; the ring's own ledger has it.
  deepEqual({ ...reading, offered, dropped, oversize }, model.stats(), 'stats()')
  checkLaw(pair.writer.stats(), 'ring')
  checkLaw(pair.reader.stats(), 'reader')
  equal(capacity % shape.capacity, 0, 'capacity as a multiple of what was asked for')
  equal(capacityBytes, capacity * shape.recordBytes, 'capacityBytes')
}
