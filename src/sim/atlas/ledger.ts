import { layoutOf } from '../layout.ts'
import type { Machine } from '../machine.ts'
import type { Atlas, Structure } from './atlas.ts'

/** What a ring says of itself when it is asked. */
export interface Ledger {
  readonly title: string
  readonly rows: readonly { readonly label: string; readonly value: number; readonly isLoss?: boolean }[]
  /** What adds up whenever nobody is in the middle of a call. */
  readonly law?: string
  readonly holds?: boolean
}

const RINGS = ['OneToOne', 'ManyToOne', 'OneToMany']
const FIELDS = ['written', 'dropped', 'oversize', 'read', 'missed', 'depth'] as const

/** Asks the core itself; memory is afterwards as it was. */
export function ledgersOf(machine: Machine, { structures, members }: Atlas): Ledger[] {
  const { core, memory } = machine.view
  const layout = layoutOf(machine.view)
  const asker = members[0]
  if (core.ringStats === undefined || asker === undefined) return []
  const rings = structures.filter(({ title }) => RINGS.includes(title))
  const ledgerOf = ({ title, address }: Structure): Ledger => {
    core.ringStats!(address, memory.u32(address + layout.OBJECT_GENERATION_OFFSET!), asker.token)
    const at = asker.scratch + layout.MAILBOX_STATS_OFFSET!
    const [written, dropped, oversize, read, missed, depth] = FIELDS.map((_, i) =>
      memory.f64(at + 8 * i),
    ) as [number, number, number, number, number, number]
    const offered = { label: 'offered', value: written + dropped + oversize }
    const losses = [
      { label: 'dropped', value: dropped, isLoss: true },
      { label: 'too long', value: oversize, isLoss: true },
    ]
    // Of a OneToMany each reader has an account of its own.
    if (title === 'OneToMany')
      return { title, rows: [offered, { label: 'written', value: written }, ...losses] }
    return {
      title,
      rows: [
        offered,
        { label: 'written', value: written },
        ...losses,
        { label: 'read', value: read },
        { label: 'missed', value: missed, isLoss: true },
        { label: 'in the ring', value: depth },
      ],
      law: 'written = read + missed + in the ring',
      holds: written === read + missed + depth,
    }
  }
  try {
    return rings.map(ledgerOf)
  } catch {
    return [] // memory that a planted bug has spoilt
  } finally {
    machine.revert()
  }
}
