import type { Row } from '../plan.mjs'

export interface Sample {
  figures: Record<string, number>
  foreign: number | undefined
}
export interface Outcome extends Row {
  own: { median: number; min: number; max: number }
}
export interface Report {
  date: string
  machine: { cpu: string; cores: number; platform: string }
  rounds: number
  nodes: { version: string; outcomes: Outcome[] }[]
}
export function outcomeOf(row: Row, samples: Record<string, Sample[]>): Outcome
export function pageTable(report: Report, group: Row['group']): string
