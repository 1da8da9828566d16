import type { Ledger } from '../../src/sim/atlas/ledger.ts'
import type { Figure } from '../../src/sim/exhibits/index.ts'
import { element } from '../common/elements.ts'

/** What rings say of themselves, and whether it adds up; and what threads know. */
export function showLedger(
  place: HTMLElement,
  ledgers: readonly Ledger[],
  figures: readonly Figure[],
  names: readonly string[],
): void {
  const tables = ledgers.map(({ title, rows, law, holds }) => {
    const table = tableOf(
      title,
      rows.map(({ label, value, isLoss }) => ({ label, value, lossy: isLoss === true && value > 0 })),
    )
    if (law === undefined) return [table]
    return [
      table,
      element('p', holds ? `✓ ${law}` : `… ${law}: in the middle of a call`, holds ? 'law holds' : 'law'),
    ]
  })
  const own = figures.map(({ thread, label, value, isLoss }) => ({
    label: `${thread === undefined ? '' : `${names[thread]}: `}${label}`,
    value,
    lossy: isLoss === true && value > 0,
  }))
  const known = own.length > 0 ? [tableOf('What the threads know', own)] : []
  place.replaceChildren(...tables.flat(), ...known)
  place.hidden = place.childElementCount === 0
}

interface Row {
  readonly label: string
  readonly value: number
  readonly lossy: boolean
}

function tableOf(title: string, rows: readonly Row[]): HTMLElement {
  const table = element('table')
  table.append(element('caption', title))
  const body = element('tbody')
  for (const { label, value, lossy } of rows) {
    const row = element('tr')
    const head = element('th', label) as HTMLTableCellElement
    head.scope = 'row'
    row.append(head, element('td', String(value), lossy ? 'lossy' : ''))
    body.append(row)
  }
  table.append(body)
  return table
}
