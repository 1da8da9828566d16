// An instrumented module as one file: the sites travel in a custom section of the Wasm.

import type { Site } from './access-ops.ts'
import type { Instrumented } from './instrument.ts'

const SECTION = 'spillway.sim'

type About = Pick<Instrumented, 'memory'> & {
  readonly texts: readonly string[]
  /** Of each site: func, op, kind and line as numbers of texts, then bytes, atomic, offset. */
  readonly sites: readonly (readonly number[])[]
}

/** The bytes of a Wasm file that runs as it is, and says of itself where its scheduling points are. */
export function packInstrumented({ bytes, sites, memory }: Instrumented): Uint8Array {
  const texts: string[] = []
  const numbers = new Map<string, number>()
  const numberOf = (text: string): number => {
    const known = numbers.get(text)
    if (known !== undefined) return known
    numbers.set(text, texts.length)
    return texts.push(text) - 1
  }
  const rows = sites.map(({ func, op, kind, line, bytes: length, atomic, offset }) => {
    const row = [numberOf(func), numberOf(op), numberOf(kind), length, Number(atomic), offset]
    return line === undefined ? row : [...row, numberOf(line)]
  })
  const about: About = { memory, texts, sites: rows }
  const name = new TextEncoder().encode(SECTION)
  const content = new TextEncoder().encode(JSON.stringify(about))
  const section = [...leb(name.length), ...name, ...content]
  return Uint8Array.from([...bytes, 0, ...leb(section.length), ...section])
}

/** Throws for what was not packed so. */
export function unpackInstrumented(bytes: Uint8Array<ArrayBuffer>): Instrumented {
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(bytes), SECTION)
  if (section === undefined) throw new Error('not an instrumented module: it has no sites')
  const { memory, texts, sites } = JSON.parse(new TextDecoder().decode(section)) as About
  return {
    bytes,
    memory,
    sites: sites.map(([func, op, kind, length, atomic, offset, line]): Site => {
      const site = {
        func: texts[func!]!,
        op: texts[op!]!,
        kind: texts[kind!] as Site['kind'],
        bytes: length!,
        atomic: atomic === 1,
        offset: offset!,
      }
      return line === undefined ? site : { ...site, line: texts[line]! }
    }),
  }
}

function leb(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest]
    bytes.push((rest & 0x7f) | 0x80)
  }
}
