// docs/metrics.md and the dashboard hold to the code: its table is the code's, its examples run, its expressions name what there is.
import { describe, expect, it } from 'vitest'
import { metrics } from '../../src/integrations/metrics/reading.ts'
import { examplesIn, pageOf, runExample } from '../support/docs-example.ts'

const doc = pageOf('docs/metrics.md')
const dashboard = JSON.parse(pageOf('docs/grafana-dashboard.json'))

const typeOf = new Map(metrics.map(({ name, type }) => [name, type]))
const labelsOf = new Map(metrics.map(({ name, labels }) => [name, labels]))

/** What Prometheus itself adds. */
const TARGET_LABELS = ['job', 'instance']

/** What is wrong with an expression: a metric that there is not, a counter without its rate, a label that nothing in it has. */
function problemsOf(expr: string): string[] {
  const names = [...expr.matchAll(/spillway_\w+/g)].map(([name]) => name)
  const unknown = names.filter((name) => !typeOf.has(name)).map((name) => `no such metric: ${name}`)
  const misread = [...expr.matchAll(/(\w+\()?(spillway_\w+)/g)]
    .filter(([, call, name]) => (typeOf.get(name!) === 'counter') !== /^(rate|increase)\($/.test(call ?? ''))
    .map(([text]) => `not so: ${text}`)
  const labels = new Set([...TARGET_LABELS, ...names.flatMap((name) => labelsOf.get(name) ?? [])])
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/, */))
  const strange = grouped.filter((label) => !labels.has(label)).map((label) => `no such label: ${label}`)
  const open = [...expr].reduce((depth, char) => depth + (char === '(' ? 1 : char === ')' ? -1 : 0), 0)
  return [...unknown, ...misread, ...strange, ...(open === 0 ? [] : ['parentheses'])]
}

describe('docs/metrics.md', () => {
  it('has every metric, with its type, its labels and what it is, and no others', () => {
    const rows = [...doc.matchAll(/^\| `(spillway_\w+)` \| (\w+) \| (.*?) \| (.*) \|$/gm)]
    const told = rows.map(([, name, type, labels, help]) => ({
      name,
      type,
      labels: [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label),
      help,
    }))
    expect(told).toEqual(metrics.map(({ name, type, labels, help }) => ({ name, type, labels, help })))
  })

  it('names no metric that there is not', () => {
    const names = [...doc.matchAll(/spillway_\w+/g)].map(([name]) => name)
    expect(names.filter((name) => !typeOf.has(name) && !name.endsWith('_'))).toEqual([])
  })

  it('has alert rules that can be asked', () => {
    const [, rules] = /```yaml\n([\s\S]*?)```/.exec(doc)!
    const exprs = [...rules!.matchAll(/^ +expr: (.*)$/gm)].map(([, expr]) => expr!)
    expect(exprs).toHaveLength(rules!.match(/- alert: /g)!.length)
    for (const expr of exprs) expect([expr, problemsOf(expr)]).toEqual([expr, []])
  })

  const examples = examplesIn(doc)
  const expected = [
    [/spillway/, /^spillway_events_sent_total 1\nspillway_events_sent_total\{service="checkout"\} 1\n$/],
    [/prom-client/, /^spillway_events_offered_total 1\n$/],
    [/spillway\/otel/, /name: 'spillway\.events_offered'[\s\S]*service: 'checkout'/],
  ] as const

  it.each(examples.map((code, i) => [i, code] as const))(
    'has an example %i that runs as it stands',
    async (i, code) => {
      const [about, output] = expected[i]!
      expect(code).toMatch(about)
      expect((await runExample(code, { libraries: ['prom-client', '@opentelemetry'] })).stdout).toMatch(
        output,
      )
    },
  )

  it('has as many examples as are looked at', () => {
    expect(examples).toHaveLength(expected.length)
  })
})

describe('the dashboard', () => {
  interface Panel {
    readonly id: number
    readonly type: string
    readonly title: string
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
    readonly targets?: readonly {
      readonly expr: string
      readonly refId: string
      readonly legendFormat: string
    }[]
  }
  const panels = dashboard.panels as Panel[]
  const targets = panels.flatMap((panel) => panel.targets ?? [])

  it('asks only for what there is', () => {
    expect(targets.length).toBeGreaterThan(20)
    for (const { expr } of targets) expect([expr, problemsOf(expr)]).toEqual([expr, []])
    for (const { query } of dashboard.templating.list.slice(1))
      for (const [name] of query.query.matchAll(/spillway_\w+/g)) expect(typeOf.has(name)).toBe(true)
  })

  it('names only labels that the metric has', () => {
    for (const { expr, legendFormat } of targets) {
      const names = [...expr.matchAll(/spillway_\w+/g)].map(([name]) => name)
      const labels = [...TARGET_LABELS, ...names.flatMap((name) => labelsOf.get(name)!)]
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        expect([expr, labels]).toEqual([expr, expect.arrayContaining([label])])
    }
  })

  it('has panels beside one another, each with a number of its own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      expect(x + w).toBeLessThanOrEqual(24)
      return Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`)
    })
    expect(new Set(cells).size).toBe(cells.length)
  })
})
