// Poller and Waiter: the same promises, one by looking at intervals, one by being woken.
import { ManyToOne, OneToMany, OneToOne, Poller, Waiter } from 'spillway'
import {
  deepEqual,
  equal,
  ok,
  rejectsCode,
  sleep,
  suite,
  text,
  throwsCode,
  within,
} from '../support/harness.ts'
import { checkLaw, checkPair } from './ledger.ts'
import { type Build, type Kind, type Pair, type Policy, type Reader, withPair } from './rigs.ts'

interface Waiting {
  next(): Promise<Uint8Array | undefined>
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array>
}

type Wait = (reader: Reader, options?: { signal?: AbortSignal }) => Waiting

const ways: Record<string, Wait> = {
  Poller: (reader, options = {}) => new Poller(reader, { intervalMs: 2, ...options }),
  Waiter: (reader, options) => new Waiter(reader, options),
}

const soon = <T>(promise: Promise<T>, what = 'next()') => within(promise, what, 5000)

export const waitingSuites = (kind: Kind, policy: Policy, build: Build) =>
  Object.entries(ways).map(([name, wait]) =>
    suite(`${kind}, ${policy}: ${name}`, (t) => {
      const waiting = (
        title: string,
        fn: (pair: Pair, next: () => Promise<string | undefined>) => Promise<void>,
      ) =>
        t.test(title, () =>
          withPair(build(8), async (pair) => {
            const way = wait(pair.reader)
            await fn(pair, async () => text(await soon(way.next())))
            checkPair(pair, 'at the end')
          }),
        )

      waiting('what is there comes at once', async ({ writer }, next) => {
        for (const record of ['a', 'b', '']) writer.set(record)
        deepEqual([await next(), await next(), await next()], ['a', 'b', ''])
      })

      waiting('what comes later wakes', async ({ writer }, next) => {
        for (let i = 0; i < 20; i++) {
          const record = next()
          await sleep(i % 4)
          writer.set(`${i}`)
          equal(await record, `${i}`, `record ${i}`)
        }
      })

      waiting('two pending next() are served in order', async ({ writer }, next) => {
        const records = [next(), next(), next()]
        await sleep(5)
        for (const record of ['a', 'b', 'c']) writer.set(record)
        deepEqual(await Promise.all(records), ['a', 'b', 'c'])
      })

      waiting('pending next() with a pause between the records', async ({ writer }, next) => {
        const records = [next(), next()]
        await sleep(5)
        writer.set('a')
        equal(await records[0], 'a', 'the first')
        await sleep(10)
        writer.set('b')
        equal(await records[1], 'b', 'the second')
      })

      waiting('a burst between two waits', async ({ writer }, next) => {
        for (let round = 0; round < 30; round++) {
          const first = next()
          await sleep(0)
          for (let i = 0; i < 5; i++) writer.set(`${round}.${i}`)
          const got = [await first]
          for (let i = 1; i < 5; i++) got.push(await next())
          deepEqual(
            got,
            [0, 1, 2, 3, 4].map((i) => `${round}.${i}`),
            `round ${round}`,
          )
        }
      })

      t.test('for await, ended by abort', () =>
        withPair(build(8), async (pair) => {
          const abort = new AbortController()
          const got: string[] = []
          const loop = (async () => {
            for await (const record of wait(pair.reader, { signal: abort.signal })) {
              got.push(text(record)!)
              if (got.length === 3) abort.abort()
            }
          })()
          for (const record of ['a', 'b', 'c']) {
            await sleep(3)
            pair.writer.set(record)
          }
          await soon(loop, 'the loop')
          deepEqual(got, ['a', 'b', 'c'])
        }),
      )

      t.test('break out of for await leaves the rest', () =>
        withPair(build(8), async (pair) => {
          for (const record of ['a', 'b', 'c']) pair.writer.set(record)
          const way = wait(pair.reader)
          for await (const record of way) {
            equal(text(record), 'a', 'the first')
            break
          }
          equal(text(await soon(way.next())), 'b', 'the next after the break')
          checkPair(pair, 'at the end')
        }),
      )

      t.test('aborted before: what is there is delivered, then undefined', () =>
        withPair(build(8), async (pair) => {
          for (const record of ['a', 'b']) pair.writer.set(record)
          const way = wait(pair.reader, { signal: AbortSignal.abort() })
          const got = [
            await soon(way.next()),
            await soon(way.next()),
            await soon(way.next()),
            await soon(way.next()),
          ]
          deepEqual(got.map(text), ['a', 'b', undefined, undefined])
        }),
      )

      t.test('aborted while waiting', () =>
        withPair(build(8), async (pair) => {
          const abort = new AbortController()
          const way = wait(pair.reader, { signal: abort.signal })
          const pending = [way.next(), way.next()]
          await sleep(5)
          abort.abort()
          deepEqual(await soon(Promise.all(pending)), [undefined, undefined])
          pair.writer.set('late')
          equal(text(pair.reader.tryNext()), 'late', 'the record is not lost')
          checkPair(pair, 'at the end')
        }),
      )

      t.test('set and abort at the same moment lose nothing', async () => {
        for (let round = 0; round < 20; round++) {
          const pair = build(8)
          const abort = new AbortController()
          const way = wait(pair.reader, { signal: abort.signal })
          const pending = way.next()
          if (round % 2) await sleep(1)
          pair.writer.set('a')
          abort.abort()
          const got = [await soon(pending), await soon(way.next())].filter(Boolean).map(text)
          deepEqual(got, ['a'], `round ${round}`)
          checkPair(pair, `round ${round}`)
          pair.close()
        }
      })

      t.test('the signal keeps no listeners', () =>
        withPair(build(8), async (pair) => {
          const { signal } = new AbortController()
          let listeners = 0
          const add = signal.addEventListener.bind(signal)
          const remove = signal.removeEventListener.bind(signal)
          signal.addEventListener = (...args: unknown[]) => {
            listeners++
            return (add as (...args: unknown[]) => void)(...args)
          }
          signal.removeEventListener = (...args: unknown[]) => {
            listeners--
            return (remove as (...args: unknown[]) => void)(...args)
          }
          const way = wait(pair.reader, { signal })
          for (let i = 0; i < 50; i++) {
            const record = way.next()
            await sleep(0)
            pair.writer.set('x')
            await soon(record)
          }
          ok(listeners <= 1, `listeners left: ${listeners}`)
        }),
      )

      t.test('closed: what was in the ring is delivered, then undefined', async () => {
        const pair = build(8)
        const way = wait(pair.reader)
        for (const record of ['a', 'b', 'c']) pair.writer.set(record)
        equal(text(await soon(way.next())), 'a', 'before close')
        pair.close()
        const got = [
          await soon(way.next()),
          await soon(way.next()),
          await soon(way.next()),
          await soon(way.next()),
        ]
        deepEqual(got.map(text), ['b', 'c', undefined, undefined])
        checkLaw(pair.reader.stats(), 'at the end')
      })

      t.test('closed while waiting', async () => {
        const pair = build(8)
        const way = wait(pair.reader)
        const pending = [way.next(), way.next()]
        await sleep(5)
        pair.close()
        deepEqual(await soon(Promise.all(pending)), [undefined, undefined])
      })

      t.test('made on a closed reader', async () => {
        const pair = build(8)
        pair.writer.set('a')
        pair.close()
        let way: Waiting
        try {
          way = wait(pair.reader)
        } catch (error) {
          return equal((error as { code?: string }).code, 'ERR_CLOSED', 'the code of a refusal')
        }
        equal(await soon(way.next()), undefined, 'next')
      })

      t.test('alerts come before the record', () => {
        const order: (string | undefined)[] = []
        return withPair(
          build(2, (missed) => order.push(`missed ${missed}`)),
          async (pair) => {
            for (let i = 0; i < 5; i++) pair.writer.set(`${i}`)
            const way = wait(pair.reader)
            order.push(text(await soon(way.next())))
            order.push(text(await soon(way.next())))
            deepEqual(order, policy === 'drop-oldest' ? ['missed 3', '3', '4'] : ['0', '1'])
          },
        )
      })

      t.test('an alerter that throws does not end the waiting', () => {
        const alert = () => {
          throw new Error('boom')
        }
        return withPair(build(2, alert), async (pair) => {
          const way = wait(pair.reader)
          const got: (string | undefined)[] = []
          for (let i = 0; i < 5; i++) pair.writer.set(`${i}`)
          for (let i = 0; i < 4 && got.length < 2; i++) {
            const record = await soon(way.next().catch((error) => equal(error.message, 'boom', 'the error')))
            if (record) got.push(text(record))
          }
          deepEqual(got, policy === 'drop-oldest' ? ['3', '4'] : ['0', '1'])
          const pending = way.next()
          await sleep(3)
          pair.writer.set('after')
          equal(text(await soon(pending)), 'after', 'the next one')
        })
      })

      if (kind !== 'ManyToOne') {
        t.test("the writer's close ends it, once drained", async () => {
          const pair = build(8)
          const Diode = kind === 'OneToOne' ? OneToOne : OneToMany
          const other = Diode.from(pair.writer.handle as never)
          const reader = other instanceof OneToMany ? other.poller() : other
          const way = wait(reader)
          for (const record of ['a', 'b']) pair.writer.set(record)
          equal(text(await soon(way.next())), 'a', 'the first')
          pair.close()
          equal(text(await soon(way.next())), 'b', 'the second')
          equal(await soon(way.next()), undefined, 'the end')
          reader.close()
          other.close()
        })

        t.test("the writer's close ends one that waits", async () => {
          const pair = build(8)
          const Diode = kind === 'OneToOne' ? OneToOne : OneToMany
          const other = Diode.from(pair.writer.handle as never)
          const reader = other instanceof OneToMany ? other.poller() : other
          pair.writer.set('a')
          const way = wait(reader)
          equal(text(await soon(way.next())), 'a', 'the first')
          const pending = way.next()
          await sleep(5)
          pair.close()
          equal(await soon(pending), undefined, 'the end')
          reader.close()
          other.close()
        })
      } else {
        t.test("a writer's close does not end it", () =>
          withPair(build(8), async (pair) => {
            const [one, two] = [
              ManyToOne.from(pair.writer.handle as never),
              ManyToOne.from(pair.writer.handle as never),
            ]
            const way = wait(pair.reader)
            one.set('a')
            one.close()
            equal(text(await soon(way.next())), 'a', 'the first')
            const pending = way.next()
            await sleep(5)
            two.set('b')
            equal(text(await soon(pending)), 'b', 'the second')
            two.close()
          }),
        )
      }
    }),
  )

export const blockingSuite = (kind: Kind, policy: Policy, build: Build) =>
  suite(`${kind}, ${policy}: nextSync`, (t) => {
    t.test(
      'what is there comes at once',
      () =>
        withPair(build(4), ({ writer, reader }) => {
          writer.set('a')
          equal(text(new Waiter(reader).nextSync(1000)), 'a', 'nextSync')
        }),
      { needs: ['blocking'] },
    )

    t.test(
      'a timeout',
      () =>
        withPair(build(4), ({ reader }) => {
          const started = performance.now()
          equal(new Waiter(reader).nextSync(40), undefined, 'nextSync')
          const took = performance.now() - started
          ok(took >= 35 && took < 2000, `it took ${took} ms`)
          equal(new Waiter(reader).nextSync(0), undefined, 'nextSync(0)')
        }),
      { needs: ['blocking'] },
    )

    t.test(
      'a closed reader does not block',
      () => {
        const pair = build(4)
        const waiter = new Waiter(pair.reader)
        pair.writer.set('a')
        pair.close()
        equal(text(waiter.nextSync(1000)), 'a', 'what was there')
        equal(waiter.nextSync(1000), undefined, 'nextSync')
      },
      { needs: ['blocking'] },
    )

    t.test(
      'an aborted one does not block',
      () =>
        withPair(build(4), ({ writer, reader }) => {
          writer.set('a')
          const waiter = new Waiter(reader, { signal: AbortSignal.abort() })
          equal(text(waiter.nextSync(1000)), 'a', 'what was there')
          const started = performance.now()
          equal(waiter.nextSync(5000), undefined, 'nextSync')
          ok(performance.now() - started < 2000, 'it did not wait')
        }),
      { needs: ['blocking'] },
    )
  })

/** Where a thread may not block, nextSync says so. */
export const cannotBlockSuite = suite('nextSync on a thread that may not block', (t) => {
  t.test('throws ERR_CANNOT_BLOCK instead of waiting', () => {
    const diode = new OneToOne(4)
    throwsCode(() => new Waiter(diode).nextSync(10), 'ERR_CANNOT_BLOCK', 'nextSync')
    throwsCode(() => new Waiter(diode).nextSync(), 'ERR_CANNOT_BLOCK', 'nextSync without a timeout')
    diode.set('a')
    equal(text(diode.tryNext()), 'a', 'the ring still works')
    diode.close()
  })
})

export const pollerSuite = suite('Poller: the interval', (t) => {
  t.test('nothing is looked at between two ticks', async () => {
    const diode = new OneToOne(4)
    const poller = new Poller(diode, { intervalMs: 60 })
    const started = performance.now()
    const record = poller.next()
    setTimeout(() => diode.set('a'), 5)
    equal(text(await soon(record)), 'a', 'next')
    const took = performance.now() - started
    ok(took >= 30 && took < 3000, `it came after ${took} ms`)
    diode.close()
  })

  t.test('two readers of one ring', async () => {
    const diode = new OneToMany(4)
    const pollers = [diode.poller(), diode.poller()]
    const records = pollers.map((reader) => new Poller(reader).next())
    diode.set('a')
    deepEqual((await soon(Promise.all(records))).map(text), ['a', 'a'])
    for (const poller of pollers) poller.close()
    diode.close()
  })

  t.test('a taken reader rejects', async () => {
    const diode = new OneToOne(4)
    diode.tryNext()
    const other = OneToOne.from(diode.handle)
    await rejectsCode(async () => new Poller(other).next(), 'ERR_READER_TAKEN', 'Poller')
    await rejectsCode(async () => new Waiter(other).next(), 'ERR_READER_TAKEN', 'Waiter')
    other.close()
    diode.close()
  })
})
