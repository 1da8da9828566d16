// What a word of the region says, as a person reads it.

import type { Layout } from '../layout.ts'

/** A label, and the exported constant that is its number. */
type Named = readonly [label: string, constant: string]

/** How a word is read; default: as a number. */
export type Reading =
  /** A thread's token; of a role the lower half. */
  | 'token'
  /** assembly/sync/bell.ts */
  | 'bell'
  /** A position whose lowest bit says that a reader is taking from there. */
  | 'head'
  /** A bit for each thread slot. */
  | 'slots'
  /** A bit for each of them, from 0 on. */
  | { readonly each: string }
  /** From 0 on. */
  | { readonly choice: readonly string[] }
  | { readonly oneOf: readonly Named[] }
  | { readonly flags: readonly Named[] }
  /** assembly/sync/status.ts; the names are those of the final bits. */
  | { readonly status: readonly Named[] }

/** Who is who, for words that name threads. */
export interface Names {
  ofToken(token: number): string | undefined
  ofSlot(slot: number): string | undefined
}

export function wordText(value: bigint, reading: Reading | undefined, layout: Layout, names: Names): string {
  if (reading === undefined) return `${value}`
  if (typeof reading === 'object') return namedText(Number(value), reading, layout)
  if (reading === 'token') {
    const token = Number(BigInt.asUintN(32, value))
    return token === 0 ? 'nobody' : (names.ofToken(token) ?? 'one that is gone')
  }
  if (reading === 'bell') return bellText(Number(value))
  if (reading === 'head') return `${value & ~1n}${value & 1n ? ', being taken' : ''}`
  return listed(bitsIn(Number(value)).map((slot) => names.ofSlot(slot) ?? `slot ${slot}`))
}

function bellText(word: number): string {
  const rings = word >>> 1
  return `${rings} ${rings === 1 ? 'ring' : 'rings'}${word & 1 ? ', armed' : ''}`
}

function namedText(value: number, reading: Exclude<Reading, string>, layout: Layout): string {
  if ('each' in reading) return listed(bitsIn(value).map((bit) => `${reading.each} ${bit}`))
  if ('choice' in reading) return reading.choice[value] ?? `${value}`
  if ('oneOf' in reading)
    return reading.oneOf.find(([, constant]) => layout[constant] === value)?.[0] ?? `${value}`
  if ('flags' in reading)
    return listed(bitsIn(value).map((bit) => nameOf(reading.flags, 2 ** bit, layout) ?? `bit ${bit}`))
  return statusText(value, reading.status, layout)
}

/** Working bits, above them the final ones, above them which of these was first: assembly/sync/status.ts draws it. */
function statusText(word: number, names: readonly Named[], layout: Layout): string {
  const workingBits = bitsIn(layout.WORKING_BITS!).length
  const final = bitsIn(word).filter((bit) => bit >= workingBits && bit < layout.FIRST_SHIFT!)
  if (final.length === 0) return `working: ${word}`
  const first = (word >>> layout.FIRST_SHIFT!) - 1
  const reasons = final.map((bit) => {
    const number = bit - workingBits
    const name = nameOf(names, number, layout) ?? `reason ${number}`
    return number === first && final.length > 1 ? `${name} (first)` : name
  })
  return `final: ${reasons.join(', ')}`
}

function nameOf(names: readonly Named[], value: number, layout: Layout): string | undefined {
  return names.find(([, constant]) => layout[constant] === value)?.[0]
}

function bitsIn(word: number): number[] {
  return Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (word >>> bit) & 1)
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ')
}
