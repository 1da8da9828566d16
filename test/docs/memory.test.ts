// The memory diagrams hold to the descriptors in assembly/, and those to the Wasm that was built from them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pageOf, root } from '../support/docs-example.ts'

const LAYOUT = 'assembly/layout.ts'

/** The module that exports the offsets of a descriptor. */
const modules: Record<string, string> = {
  'assembly/layout.ts': 'core',
  'assembly/diode/descriptor.ts': 'core',
  'assembly/outlet/outlet.ts': 'core',
  'assembly/region/buffer.ts': 'core',
  'assembly/sync/status.ts': 'core',
  'assembly/sync/monitor.ts': 'gudp',
  'assembly/ring/descriptor.ts': 'sockets',
  'assembly/sockets/descriptor.ts': 'sockets',
  'assembly/gudp/descriptor.ts': 'gudp',
  'assembly/gudp/state.ts': 'gudp',
  'assembly/gudp/sent.ts': 'gudp',
}

/** Two descriptors that are exported under the same names: these globals are of the other one. */
const namesakes = new Set([
  'assembly/sockets/descriptor.ts/TAKEN_OFFSET',
  'assembly/gudp/sent.ts/SENT_OFFSET',
])

interface Block {
  readonly source: string
  readonly text: string
}

/** The numbers of a source, by their names. */
function constantsOf(source: string): Map<string, number> {
  const found = pageOf(source).matchAll(/^export const (\w+): (?:usize|u32) = (\d+)\b(?! *[<+*])/gm)
  return new Map([...found].map(([, name, value]) => [name!, Number(value)]))
}

/** Lengths of entries and slots. */
const sizesOf = (...sources: string[]) =>
  sources.flatMap((source) =>
    [...constantsOf(source)].flatMap(([name, n]) => (name.endsWith('_BYTES') ? [n] : [])),
  )

const numbersOf = (source: string) =>
  new Set([...constantsOf(LAYOUT), ...constantsOf(source)].map(([, n]) => n))

/** The diagrams of a page, each with the descriptor that was named last before it. */
function blocksOf(page: string): Block[] {
  let source = LAYOUT
  return page.split(/^```/m).flatMap((text, i) => {
    if (i % 2 === 1) return [{ source, text }]
    source = [...text.matchAll(/`(assembly\/[\w/-]+\.ts)`/g)].at(-1)?.[1] ?? source
    return []
  })
}

/** `128 tail`: a word, and where it is. */
function wordsOf({ text }: Block): { at: number; name: string }[] {
  const items = text
    .split('\n')
    .filter((line) => line.includes('│'))
    .flatMap((line) => line.slice(line.indexOf('│')).split(/[│·]/))
  return items.flatMap((item) => {
    const [, at, words] = /^\s*(\d+) ([a-z]+(?: [a-z]+)*)(?: \([^)]*\))?\s*$/.exec(item) ?? []
    return at === undefined
      ? []
      : [{ at: Number(at), name: `${words!.toUpperCase().replaceAll(' ', '_')}_OFFSET` }]
  })
}

/** Where stretches begin, and how long things are. */
const placesOf = ({ text }: Block) => [...text.matchAll(/^ {2}(\d+) +[┌├└a-z]/gm)].map(([, at]) => Number(at))
const lengthsOf = (text: string) => [...text.matchAll(/(\d+) bytes each/g)].map(([, bytes]) => Number(bytes))

/** Blocks of single words (bell, wait set) have no descriptor of offsets. */
const blocks = blocksOf(pageOf('docs/memory.md')).filter(({ source }) => source in modules)

describe('docs/memory.md', () => {
  it('names words that are there, where they are', () => {
    const wrong = blocks.flatMap((block) => {
      const own = constantsOf(block.source)
      const all = new Map([...constantsOf(LAYOUT), ...own])
      return wordsOf(block).filter(({ at, name }) => all.get(name) !== at)
    })
    expect(wrong).toEqual([])
  })

  it.each(Object.keys(modules))('leaves no word of %s out', (source) => {
    const drawn = new Set(
      blocks
        .filter((block) => block.source === source)
        .flatMap(wordsOf)
        .map(({ name }) => name),
    )
    const left = [...constantsOf(source).keys()].filter(
      (name) => name.endsWith('_OFFSET') && !drawn.has(name),
    )
    expect(left).toEqual([])
  })

  it('has stretches and lengths that are those of the code', () => {
    for (const block of blocks) {
      const numbers = numbersOf(block.source).add(0)
      for (const place of placesOf(block)) expect(numbers).toContain(place)
      for (const length of lengthsOf(block.text)) expect(sizesOf(LAYOUT, block.source)).toContain(length)
    }
  })
})

describe('the diagrams of other pages', () => {
  it.each([
    ['docs/ARCHITECTURE.md', 'granule table', LAYOUT],
    ['docs/ARCHITECTURE.md', 'head as last seen', 'assembly/diode/descriptor.ts'],
    ['docs/exporter.md', 'longest line', 'assembly/outlet/outlet.ts'],
    ['docs/sockets.md', "client's words", 'assembly/sockets/descriptor.ts'],
    ['docs/gudp.md', 'lanes, 512 bytes each', 'assembly/gudp/descriptor.ts'],
  ])('%s: %s', (page, word, source) => {
    const [block] = blocksOf(pageOf(page)).filter(
      ({ text }) => text.includes(word) && placesOf({ source, text }).length > 2,
    )
    const places = placesOf({ source, text: block!.text })
    // The machine and the counters of a connection begin where another file says.
    const state =
      source === 'assembly/gudp/descriptor.ts' ? ['assembly/gudp/state.ts', 'assembly/gudp/sent.ts'] : []
    const numbers = new Set([
      0,
      ...numbersOf(source),
      ...state.flatMap((file) => [...constantsOf(file).values()]),
    ])
    for (const place of places) expect([...numbers]).toContain(place)
    for (const length of lengthsOf(block!.text)) expect(sizesOf(source, ...state)).toContain(length)
  })
})

describe('the Wasm', () => {
  it.each(Object.entries(modules))('has the numbers of %s (%s.wasm)', async (source, module) => {
    const bytes = readFileSync(join(root, 'build', `${module}.model.wasm`))
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true })
    const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } })
    const exported = [...constantsOf(source)].flatMap(([name, value]) => {
      const item = instance.exports[name]
      const isOurs = item instanceof WebAssembly.Global && !namesakes.has(`${source}/${name}`)
      return isOurs ? [[name, value, item.value]] : []
    })
    for (const [name, value, built] of exported) expect([name, built]).toEqual([name, value])
    if (source !== 'assembly/gudp/sent.ts') expect(exported.length).toBeGreaterThan(0)
  })
})
