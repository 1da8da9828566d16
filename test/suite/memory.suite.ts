// Rings come and go for ever: memory stays flat.
import { OneToOne, Waiter } from 'spillway'
import { equal, sleep, suite, text, within } from '../support/harness.ts'
import { builderOf, growMemory, kinds, memoryBytes, readAll } from './rigs.ts'

const anchorBytes = () => {
  const anchor = new OneToOne(1)
  const size = memoryBytes(anchor)
  anchor.close()
  return size
}

export const memorySuite = suite('memory', (t) => {
  for (const kind of kinds) {
    t.test(`thousands of ${kind} rings, made and closed`, () => {
      const build = builderOf(kind, 'drop-oldest')
      const cycle = (i: number) => {
        const pair = build(1 + (i % 32), null, { recordBytes: 1 + ((i * 37) % 700) })
        pair.writer.set('x')
        if (i % 3) readAll(pair.reader)
        pair.close()
      }
      const round = () => {
        for (let i = 0; i < 1000; i++) cycle(i)
      }
      round()
      const before = anchorBytes()
      for (let i = 0; i < 3; i++) round()
      equal(anchorBytes(), before, 'bytes of shared memory')
    })
  }

  t.test('many at a time, closed in any order', () => {
    const build = builderOf('OneToOne', 'drop-oldest')
    const round = () => {
      const pairs = Array.from({ length: 60 }, (_, i) =>
        build(1 + (i % 16), null, { recordBytes: 16 * (1 + (i % 9)) }),
      )
      pairs.forEach(({ writer }, i) => {
        writer.set(`ring ${i}`)
      })
      pairs.forEach(({ reader }, i) => {
        equal(text(reader.tryNext()), `ring ${i}`, "the ring's own record")
      })
      for (const i of pairs.keys()) pairs[(i * 37) % pairs.length]!.close()
    }
    for (let i = 0; i < 5; i++) round()
    const before = anchorBytes()
    for (let i = 0; i < 30; i++) round()
    equal(anchorBytes(), before, 'bytes of shared memory')
  })

  t.test('a ring made after memory has grown, beside one made before', () => {
    const old = new OneToOne(4)
    old.set('old')
    const large = new OneToOne(64, null, { recordBytes: 65_536 })
    large.set('x'.repeat(1_000_000))
    old.set('older')
    equal(text(old.tryNext()), 'old', 'tryNext of the old ring')
    equal(text(large.tryNext())?.length, 1_000_000, 'length from the large ring')
    equal(text(old.tryNext()), 'older', 'tryNext of the old ring')
    old.close()
    large.close()
  })

  t.test('memory that grows while a Waiter sleeps', async () => {
    const diode = new OneToOne(2)
    const waiter = new Waiter(diode)
    for (let i = 0; i < 3; i++) {
      const pending = waiter.next()
      await sleep(2)
      const { close } = growMemory()
      diode.set(`${i}`)
      equal(text(await within(pending, 'next')), `${i}`, 'next')
      close()
    }
    diode.close()
  })

  t.test('waiters that are given up', async () => {
    const abort = new AbortController()
    for (let i = 0; i < 300; i++) {
      const diode = new OneToOne(2)
      const pending = new Waiter(diode, { signal: abort.signal }).next()
      if (i % 50 === 0) await sleep(0)
      diode.close()
      equal(await pending, undefined, 'next')
    }
  })
})
