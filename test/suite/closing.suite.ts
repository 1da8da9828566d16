// What stays true after `close`.
import { deepEqual, equal, ok, suite, throwsCode } from '../support/harness.ts'
import { checkLaw } from './ledger.ts'
import { type Build, classOf, type Kind, type Policy } from './rigs.ts'

export const closingSuite = (kind: Kind, policy: Policy, build: Build) =>
  suite(`${kind}, ${policy}: close`, (t) => {
    t.test('set is false, tryNext undefined, drain 0', () => {
      const pair = build(4)
      pair.writer.set('a')
      pair.writer.set('b')
      pair.reader.tryNext()
      pair.close()
      equal(pair.writer.set('c'), false, 'set')
      equal(pair.writer.set(new Uint8Array(1)), false, 'set of bytes')
      equal(pair.reader.tryNext(), undefined, 'tryNext')
      equal(
        pair.reader.drain(() => {}),
        0,
        'drain',
      )
    })

    t.test('stats still answers, with the last figures', () => {
      const pair = build(2)
      for (let i = 0; i < 5; i++) pair.writer.set('x')
      pair.reader.tryNext()
      const before = pair.reader.stats()
      pair.close()
      deepEqual(pair.reader.stats(), before, 'stats after close')
      checkLaw(pair.reader.stats(), 'after close')
      checkLaw(pair.writer.stats(), 'after close')
    })

    t.test('is idempotent', () => {
      const pair = build(2)
      for (let i = 0; i < 3; i++) pair.close()
      equal(pair.writer.set('x'), false, 'set')
    })

    t.test('the last one out frees it: the handle is stale', () => {
      const pair = build(2)
      const { handle } = pair.writer
      pair.close()
      throwsCode(() => classOf(kind).from(handle as never), 'ERR_STALE_HANDLE', 'from')
    })

    t.test('a ring with two endpoints lives until both have left', () => {
      const pair = build(2)
      const other = classOf(kind).from(pair.writer.handle as never)
      pair.writer.set('kept')
      pair.close()
      const third = classOf(kind).from(other.handle as never)
      equal(third.stats().written, 1, 'written')
      other.close()
      third.close()
      throwsCode(() => classOf(kind).from(other.handle as never), 'ERR_STALE_HANDLE', 'from')
    })

    t.test('closing one ring does not touch its neighbours', () => {
      const pairs = Array.from({ length: 6 }, () => build(4))
      pairs.forEach(({ writer }, i) => {
        writer.set(`ring ${i}`)
      })
      for (const i of [1, 3, 4]) pairs[i]!.close()
      const fresh = Array.from({ length: 4 }, () => build(4))
      fresh.forEach(({ writer }) => {
        writer.set('fresh')
      })
      for (const i of [0, 2, 5]) equal(pairs[i]!.reader.tryNext()?.length, 6, `ring ${i}`)
      for (const pair of [...pairs, ...fresh]) pair.close()
    })

    t.test('a used ring is as good as new when its memory is used again', () => {
      for (let round = 0; round < 50; round++) {
        const pair = build(3)
        const { capacity, capacityBytes, ...counters } = pair.reader.stats()
        ok(capacity > 0 && capacityBytes > 0, 'capacity')
        ok(
          Object.values(counters).every((value) => value === 0),
          `round ${round}: counters start at 0`,
        )
        equal(pair.reader.tryNext(), undefined, 'tryNext')
        for (let i = 0; i < round % 7; i++) pair.writer.set(`${round} ${i}`)
        if (round % 2) pair.reader.tryNext()
        pair.close()
      }
    })
  })
