import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecencyList, type Recent } from '../../src/net/recency-list.ts'

class Item implements Recent<Item> {
  newer: Item | undefined
  older: Item | undefined
}

describe('a list by recency', () => {
  it('is what an array would be', () => {
    const step = fc.record({
      act: fc.constantFrom('add', 'touch', 'remove'),
      item: fc.integer({ min: 0, max: 5 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const items = Array.from({ length: 6 }, () => new Item())
        const list = new RecencyList<Item>()
        let array: Item[] = []
        for (const { act, item: index } of steps) {
          const item = items[index]!
          const isIn = array.includes(item)
          if (isIn === (act === 'add')) continue
          array = array.filter((other) => other !== item)
          if (act === 'remove') list.remove(item)
          else if (act === 'add') list.add(item)
          else list.touch(item)
          if (act !== 'remove') array.push(item)
          expect(list.oldest === array[0]).toBe(true)
        }
        for (const item of array) {
          expect(list.oldest === item).toBe(true)
          list.remove(item)
        }
        expect(list.oldest).toBeUndefined()
      }),
    )
  })
})
