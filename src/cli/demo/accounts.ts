import { count, counted } from '../format.ts'
import { type LedgerRow, partRows } from '../table.ts'

/** What a demo came to, each figure from whoever knows it first-hand. */
export interface Figures {
  readonly threads: number
  /** By the threads' own count. */
  readonly offered: number
  /** By the exporter's ledger. */
  readonly counted: number
  readonly droppedBy: Readonly<Record<string, number>>
  /** By the file: each event once; and lines that should not be there. */
  readonly delivered: number
  readonly doubled: number
  readonly foreign: number
  /** By the heartbeats in the file: sent, and not in the file. Around the kill, and else. */
  readonly missing: number
  readonly missingAtKill: number
  /** By the receiver: what its file could not keep up with; what it says was lost on the way. */
  readonly droppedByFile: number
  readonly measuredLost: number
  /** Where a receiver was killed, its successor has seen only a part of it. */
  readonly wasKilled: boolean
}

export interface Accounts {
  readonly rows: readonly LedgerRow[]
  readonly lost: number
  readonly dropped: number
  readonly difference: number
  /** What does not add up, in words; nothing when the ledger is closed. */
  readonly wrong: readonly string[]
}

/** Puts every event offered into exactly one place, and says what is left over. */
export function closeAccounts(figures: Figures): Accounts {
  const { offered, delivered, droppedBy, droppedByFile, missing, missingAtKill } = figures
  const dropped = Object.values(droppedBy).reduce((sum, events) => sum + events, 0)
  const lost = missing - missingAtKill - droppedByFile
  const difference = offered - delivered - dropped - missing
  const rows: LedgerRow[] = [
    { label: `offered by ${counted(figures.threads, 'thread')}`, value: offered, tone: 'total' },
    'rule',
    { label: 'delivered: in the file, whole, once', value: delivered, tone: 'good' },
    { label: 'dropped at the source', value: dropped, tone: 'loss' },
    ...partRows(droppedBy),
    { label: 'lost on the network', value: lost, tone: 'loss', ...measured(figures, lost) },
  ]
  if (figures.wasKilled)
    rows.push({ label: 'lost with the killed receiver', value: missingAtKill, tone: 'loss' })
  if (droppedByFile > 0) rows.push({ label: 'dropped before the file', value: droppedByFile, tone: 'loss' })
  rows.push('rule', { label: 'left over', value: difference, tone: difference === 0 ? 'good' : 'loss' })
  return { rows, lost, dropped, difference, wrong: faults(figures, lost, difference) }
}

function measured({ measuredLost, wasKilled }: Figures, lost: number): { note?: string } {
  if (wasKilled || (lost === 0 && measuredLost === 0)) return {}
  return { note: `the receiver's own measure, by heartbeats: ${count(measuredLost)}` }
}

function faults(figures: Figures, lost: number, difference: number): string[] {
  const { offered, counted: ledgered, doubled, foreign, measuredLost, wasKilled } = figures
  const checks: readonly (readonly [isWrong: boolean, words: string])[] = [
    [difference !== 0, `${counted(difference, 'event')} left over`],
    [offered !== ledgered, `the threads offered ${count(offered)}, the exporter counted ${count(ledgered)}`],
    [doubled !== 0, `${counted(doubled, 'line')} in the file twice`],
    [foreign !== 0, `${counted(foreign, 'line')} in the file that are no event, or not a whole one`],
    [
      !wasKilled && lost !== measuredLost,
      `${count(lost)} were lost, the receiver measured ${count(measuredLost)}`,
    ],
  ]
  return checks.filter(([isWrong]) => isWrong).map(([, words]) => words)
}

/** The verdict in one line, for people and for scripts. */
export function verdictOf(figures: Figures, accounts: Accounts): string {
  if (accounts.wrong.length > 0) return `ledger NOT closed: ${accounts.wrong.join('; ')}`
  const places = [
    `${count(figures.delivered)} delivered`,
    `${count(accounts.dropped)} dropped`,
    `${count(accounts.lost)} lost on the network`,
  ]
  if (figures.wasKilled) places.push(`${count(figures.missingAtKill)} lost with the killed receiver`)
  if (figures.droppedByFile > 0) places.push(`${count(figures.droppedByFile)} dropped before the file`)
  return `ledger closed: ${count(figures.offered)} offered = ${places.join(' + ')}`
}
