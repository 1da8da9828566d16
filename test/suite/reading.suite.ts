// The alerter and `drain`: what a reader is told, and what its callbacks may do.
import { deepEqual, equal, ok, suite, text } from '../support/harness.ts'
import { checkLaw, checkPair } from './ledger.ts'
import { type Build, type Kind, type Pair, type Policy, readAll, withPair } from './rigs.ts'

const boom = () => {
  throw new Error('boom')
}

/** What a callback of the user's threw may come out of the call or be reported elsewhere; the ring must go on either way. */
function survive<T>(fn: () => T): T | undefined {
  try {
    return fn()
  } catch (error) {
    equal((error as Error).message, 'boom', 'only the error of the callback may come out')
    return undefined
  }
}

const fillWith = ({ writer }: Pair, count: number, prefix = '') => {
  for (let i = 0; i < count; i++) writer.set(`${prefix}${i}`)
}

export const alerterSuite = (kind: Kind, policy: Policy, build: Build) =>
  suite(`${kind}, ${policy}: the alerter`, (t) => {
    t.test('the sum of the alerts is what was lost', () => {
      let alerted = 0
      return withPair(
        build(5, (missed) => (alerted += missed)),
        (pair) => {
          for (let round = 0; round < 200; round++) {
            fillWith(pair, (round * 7) % 23)
            const reads = (round * 3) % 5
            for (let i = 0; i < reads; i++) pair.reader.tryNext()
          }
          readAll(pair.reader)
          equal(alerted, pair.reader.stats().missed, 'the sum of the alerts against stats().missed')
          equal(alerted > 0, policy === 'drop-oldest', 'something was lost')
          checkPair(pair, 'at the end')
        },
      )
    })

    t.test('is called before the record that follows the gap', () => {
      const order: string[] = []
      return withPair(
        build(2, (missed) => order.push(`missed ${missed}`)),
        (pair) => {
          fillWith(pair, 5)
          for (let got = pair.reader.tryNext(); got; got = pair.reader.tryNext()) order.push(text(got)!)
          deepEqual(order, policy === 'drop-oldest' ? ['missed 3', '3', '4'] : ['0', '1'])
        },
      )
    })

    t.test('drain tells of the same losses', () => {
      const order: string[] = []
      return withPair(
        build(2, (missed) => order.push(`missed ${missed}`)),
        (pair) => {
          fillWith(pair, 5)
          pair.reader.drain((record) => order.push(text(record.slice())!))
          deepEqual(order, policy === 'drop-oldest' ? ['missed 3', '3', '4'] : ['0', '1'])
          checkPair(pair, 'at the end')
        },
      )
    })

    t.test('one that throws does not break the ring', () => {
      let alerted = 0
      const alert = (missed: number) => {
        alerted += missed
        boom()
      }
      return withPair(build(3, alert), (pair) => {
        for (let round = 0; round < 5; round++) {
          fillWith(pair, 10, `${round}.`)
          for (let i = 0; i < 20; i++) survive(() => pair.reader.tryNext())
          fillWith(pair, 10, `${round}.`)
          for (let i = 0; i < 4; i++) survive(() => pair.reader.drain(() => {}))
          checkPair(pair, `round ${round}`)
        }
        const { missed, depth } = pair.reader.stats()
        equal(alerted, missed, 'the sum of the alerts')
        equal(depth, 0, 'depth')
      })
    })

    t.test('one that throws costs no record', () =>
      withPair(build(3, boom), (pair) => {
        fillWith(pair, 5)
        const got: string[] = []
        for (let i = 0; i < 10; i++) {
          const record = survive(() => pair.reader.tryNext())
          if (record) got.push(text(record)!)
        }
        deepEqual(got, policy === 'drop-oldest' ? ['2', '3', '4'] : ['0', '1', '2'])
        checkPair(pair, 'at the end')
      }),
    )

    t.test('one that uses the ring does not break it', () => {
      let depth = 0
      const pair: Pair = build(3, () => {
        pair.reader.stats()
        if (depth++ > 3) return
        pair.writer.set('from the alerter')
        pair.reader.tryNext()
      })
      return withPair(pair, () => {
        fillWith(pair, 20)
        readAll(pair.reader)
        checkPair(pair, 'at the end')
        equal(pair.reader.stats().depth, 0, 'depth')
      })
    })

    t.test('one that closes the ring', () => {
      const pair: Pair = build(3, () => pair.close())
      fillWith(pair, 20)
      for (let i = 0; i < 5; i++) pair.reader.tryNext()
      pair.close()
      equal(pair.reader.tryNext(), undefined, 'tryNext after close')
      checkLaw(pair.reader.stats(), 'after close')
    })
  })

export const drainSuite = (kind: Kind, policy: Policy, build: Build) =>
  suite(`${kind}, ${policy}: drain`, (t) => {
    const draining = (name: string, fn: (pair: Pair) => void) => t.test(name, () => withPair(build(8), fn))
    const drained = (pair: Pair, limit?: number) => {
      const got: string[] = []
      const count = pair.reader.drain((record) => got.push(text(record.slice())!), limit)
      equal(count, got.length, 'the count that drain returns')
      checkPair(pair, `after drain(${limit})`)
      return got
    }

    draining('an empty ring', (pair) => deepEqual(drained(pair), []))

    draining('all there is, in order', (pair) => {
      fillWith(pair, 8)
      deepEqual(drained(pair), ['0', '1', '2', '3', '4', '5', '6', '7'])
      deepEqual(drained(pair), [])
    })

    draining('with a limit', (pair) => {
      fillWith(pair, 8)
      deepEqual(drained(pair, 3), ['0', '1', '2'])
      equal(text(pair.reader.tryNext()), '3', 'tryNext after it')
      deepEqual(drained(pair, 1), ['4'])
      deepEqual(drained(pair, 100), ['5', '6', '7'])
    })

    draining('limit 0 reads nothing', (pair) => {
      fillWith(pair, 3)
      deepEqual(drained(pair, 0), [])
      equal(pair.reader.stats().depth, 3, 'depth')
    })

    draining('a function that throws: its record counts as read, the rest stays', (pair) => {
      fillWith(pair, 6)
      let calls = 0
      let thrown: unknown
      try {
        pair.reader.drain(() => {
          if (++calls === 3) boom()
        })
      } catch (error) {
        thrown = error
      }
      equal((thrown as Error | undefined)?.message, 'boom', 'what came out of drain')
      equal(pair.reader.stats().read, 3, 'read')
      checkPair(pair, 'after the throw')
      deepEqual(readAll(pair.reader).map(text), ['3', '4', '5'])
      checkPair(pair, 'at the end')
    })

    draining('a throw on the first and on the last record', (pair) => {
      fillWith(pair, 1)
      try {
        pair.reader.drain(boom)
      } catch {}
      equal(pair.reader.stats().depth, 0, 'depth')
      fillWith(pair, 2)
      try {
        pair.reader.drain((record) => text(record.slice()) === '1' && boom())
      } catch {}
      deepEqual(readAll(pair.reader), [])
      checkPair(pair, 'at the end')
    })

    draining('zero-length records', (pair) => {
      for (let i = 0; i < 5; i++) pair.writer.set('')
      deepEqual(drained(pair), ['', '', '', '', ''])
    })

    draining('a record in hand stays whole while the function writes', (pair) => {
      fillWith(pair, 4)
      let written = 0
      pair.reader.drain((record) => {
        const before = text(record.slice())
        if (written++ < 12) for (let i = 0; i < 6; i++) pair.writer.set(`written inside ${written} ${i}`)
        equal(text(record.slice()), before, 'the record in hand')
      }, 40)
      readAll(pair.reader)
      checkPair(pair, 'at the end')
    })

    draining('set inside the function does not make it endless', (pair) => {
      fillWith(pair, 4)
      let calls = 0
      pair.reader.drain(() => {
        if (++calls > 100_000) throw new Error('endless')
        if (calls <= 50_000) pair.writer.set('again')
      }, 1000)
      ok(calls <= 1000, 'the limit holds')
      readAll(pair.reader)
      checkPair(pair, 'at the end')
    })

    draining('tryNext, drain and stats inside the function', (pair) => {
      fillWith(pair, 8)
      const got: string[] = []
      pair.reader.drain((record) => {
        got.push(text(record.slice())!)
        pair.reader.stats()
        try {
          const inner = pair.reader.tryNext()
          if (inner) got.push(text(inner)!)
          pair.reader.drain((other) => got.push(text(other.slice())!), 1)
        } catch (error) {
          ok(/^ERR_/.test(String((error as { code?: unknown }).code)), 'a refusal has a code')
        }
      })
      for (const record of readAll(pair.reader)) got.push(text(record)!)
      deepEqual(got.sort(), ['0', '1', '2', '3', '4', '5', '6', '7'], 'each once')
      checkPair(pair, 'at the end')
    })

    t.test('close inside the function', () => {
      const pair = build(8)
      fillWith(pair, 5)
      let calls = 0
      const count = pair.reader.drain(() => {
        calls++
        pair.close()
      })
      equal(calls, 1, 'calls')
      equal(count, 1, 'count')
      equal(pair.reader.tryNext(), undefined, 'tryNext after close')
      pair.close()
    })

    t.test('drain and tryNext take turns on a ring that wraps', () =>
      withPair(build(5, null, { recordBytes: 12 }), (pair) => {
        let next = 0
        let expected = 0
        const check = (record: Uint8Array) => equal(text(record.slice()), `record ${expected++}`)
        for (let round = 0; round < 500; round++) {
          for (let i = 0; i < 1 + (round % 5); i++) pair.writer.set(`record ${next++}`)
          if (round % 3 === 0) check(pair.reader.tryNext()!)
          while (pair.reader.drain(check, 1 + (round % 2)) > 0);
          equal(expected, next, `round ${round}`)
        }
        checkPair(pair, 'at the end')
      }),
    )
  })
