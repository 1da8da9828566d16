import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { groups, itemsOf, rows } from '../../bench/plan.mjs'
import { hasNatsServer } from '../../bench/support/nats-server.mjs'
import { outcomeOf, pageTable } from '../../bench/support/report.mjs'
import { takeSample } from '../../bench/support/sample.mjs'

// Every variant of every case, small: it runs, its own checks pass, and its figures are numbers that can be true.
const TINY = 0.002
const node = process.execPath

const casesDir = new URL('../../bench/cases/', import.meta.url)
const names = readdirSync(casesDir).map((file) => file.replace(/\.mjs$/, ''))
const used = itemsOf(rows)

const lacksNats = !hasNatsServer() && process.env.SPILLWAY_PROGRAMS !== 'required'
if (lacksNats) console.warn('the bench of JetStream: skipped, not installed: nats-server')

describe.each(names)('bench case %s', async (name) => {
  const { variants, differences = {} } = (await import(new URL(`${name}.mjs`, casesDir).href)) as {
    variants: Record<string, unknown>
    /** Figures that may be below zero, by their noise, and which figure has that. */
    differences?: Record<string, string>
  }

  it.skipIf(lacksNats && name.startsWith('nats-')).each(Object.keys(variants))('%s', (variant) => {
    const { figures } = takeSample({ node, name, variant, scale: TINY, tries: 1 })
    const entries = Object.entries(figures as Record<string, number>)
    expect(entries.length).toBeGreaterThan(0)
    for (const [figure, value] of entries) {
      expect(Number.isFinite(value), figure).toBe(true)
      if (!(figure in differences)) expect(value, figure).toBeGreaterThanOrEqual(0)
    }
    for (const noise of Object.values(differences)) expect(figures).toHaveProperty(noise)
    for (const row of rows) {
      for (const ref of [row.of, row.to]) {
        if (ref?.item === `${name}/${variant}`) expect(figures).toHaveProperty(ref.figure)
      }
    }
  })
})

it('the plan asks only for variants that exist', async () => {
  for (const { name, variant } of used.values()) {
    const { variants } = await import(new URL(`${name}.mjs`, casesDir).href)
    expect(variants).toHaveProperty(variant)
  }
})

it.each(Object.entries(groups))('the table of %s has its place in %s', (group, page) => {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8')
  expect(text).toMatch(new RegExp(`<!-- bench:${group}:start -->[^]*<!-- bench:${group}:end -->`))
  expect(rows.some((row) => row.group === group)).toBe(true)
})

describe('a table with a column for each figure', () => {
  const machine = { cpu: 'a cpu', cores: 2, platform: 'linux-x64' }
  const sampled = (item: string, ...values: number[]) => ({
    [item]: values.map((a) => ({ figures: { a, lost: a > 8 ? 0.25 : 0 }, foreign: a > 8 ? 1 : 0 })),
  })
  const placed = (head: string, column: string, item: string) => ({
    group: 'loggers' as const,
    target: '',
    what: `${head}: ${column}`,
    of: { name: 'case', variant: item, item, figure: 'a' },
    as: 'value' as const,
    cell: { head, column },
  })

  it('has a line for each head, medians with their range, what was lost, and is empty where nothing was asked', () => {
    const samples = { ...sampled('x', 1, 3, 2), ...sampled('y', 9) }
    const outcomes = [placed('pino', 'ns', 'x'), placed('pino', 'MiB', 'y'), placed('winston', 'MiB', 'x')]
    const nodes = [{ version: '20.0.0', outcomes: outcomes.map((row) => outcomeOf(row, samples)) }]
    const text = pageTable({ date: '2026-11-26T10:00:00Z', machine, rounds: 3, nodes }, 'loggers')
    expect(text).toBe(`a cpu, 2 cores, linux-x64, 2026-11-26; medians [min-max] of 3 rounds.

Node 20.0.0:

|  | ns | MiB |
| --- | --- | --- |
| pino | 2 [1-3] | 9, 25 % lost ~ |
| winston |  | 2 [1-3] |`)
  })
})
