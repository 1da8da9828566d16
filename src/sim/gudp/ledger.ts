import type { MachineSide } from './machine-side.ts'

/** A sum that must come out: what went in is in one of the parts. */
export interface LedgerRow {
  readonly what: string
  readonly total: number
  readonly parts: readonly { readonly name: string; readonly count: number }[]
  readonly isClosed: boolean
}

export function ledgerRow(what: string, total: number, counts: Readonly<Record<string, number>>): LedgerRow {
  const parts = Object.entries(counts).map(([name, count]) => ({ name, count }))
  return { what, total, parts, isClosed: total === parts.reduce((sum, { count }) => sum + count, 0) }
}

/** What the machine made of each copy that came. */
export function verdictsOf({ verdicts }: MachineSide): Record<string, number> {
  const {
    taken = 0,
    'part-taken': parts = 0,
    twice = 0,
    'too-late': late = 0,
    'no-room': refused = 0,
  } = verdicts
  const others = (verdicts.bad ?? 0) + (verdicts.breaks ?? 0) + (verdicts.ended ?? 0)
  return {
    taken,
    'a fragment taken': parts,
    'had come before': twice,
    'too late': late,
    'no room': refused,
    others,
  }
}
