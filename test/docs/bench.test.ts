import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { itemsOf, rows } from '../../bench/plan.mjs'
import { hasNatsServer } from '../../bench/support/nats-server.mjs'
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
  const { variants } = (await import(new URL(`${name}.mjs`, casesDir).href)) as {
    variants: Record<string, unknown>
  }

  it.skipIf(lacksNats && name.startsWith('nats-')).each(Object.keys(variants))('%s', (variant) => {
    const { figures } = takeSample({ node, name, variant, scale: TINY, tries: 1 })
    const values = Object.values(figures as Record<string, number>)
    expect(values.length).toBeGreaterThan(0)
    for (const value of values) {
      expect(Number.isFinite(value)).toBe(true)
      expect(value).toBeGreaterThanOrEqual(0)
    }
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
