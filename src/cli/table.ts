import { count } from './format.ts'
import type { Paint } from './terminal.ts'

/** A line of a ledger: a number and what it is, or a rule between them. */
export type LedgerRow = Entry | 'rule'

export interface Entry {
  readonly label: string
  readonly value: number
  /** A part of the row above. */
  readonly isPart?: boolean
  readonly note?: string
  readonly tone?: 'good' | 'loss' | 'total'
}

const FORMATS = { good: 'green', loss: 'yellow', total: 'bold' } as const

/** Labels to the left, numbers under one another to the right, notes behind them. */
export function renderLedger(rows: readonly LedgerRow[], paint: Paint): string[] {
  const entries = rows.filter((row) => row !== 'rule')
  const labelOf = (row: Entry) => (row.isPart ? `  ${row.label}` : row.label)
  const labelWidth = Math.max(...entries.map((row) => labelOf(row).length))
  const numberWidth = Math.max(...entries.map((row) => count(row.value).length))
  const width = labelWidth + 2 + numberWidth
  return rows.map((row) => {
    if (row === 'rule') return `  ${paint('dim', '─'.repeat(width))}`
    const text = `${labelOf(row).padEnd(labelWidth + 2)}${count(row.value).padStart(numberWidth)}`
    const note = row.note === undefined ? '' : `  ${paint('dim', row.note)}`
    // A loss of nothing is no loss.
    const isToned = row.tone !== undefined && !(row.tone === 'loss' && row.value === 0)
    return `  ${isToned ? paint(FORMATS[row.tone], text) : text}${note}`
  })
}

/** The parts of a sum by their names: the largest first, nothings left out. */
export function partRows(parts: Readonly<Record<string, number>>): Entry[] {
  const present = Object.entries(parts).filter(([, value]) => value !== 0)
  return present
    .sort(([, a], [, b]) => b - a)
    .map(([label, value]) => ({ label, value, isPart: true, tone: 'loss' }))
}
