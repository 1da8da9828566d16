import { expect, it } from 'vitest'
import { scenarioNamed, scenarios } from '../../src/sim/scenarios/index.ts'
import { plants } from '../../tools/plants.mjs'
import { pageOf } from '../support/docs-example.ts'

it('docs/model-checker.md counts the scenarios and the planted bugs of each module', () => {
  const moduleOf = new Map(scenarios.map(({ name, module }) => [name, module ?? 'core']))
  const bugs = plants.map(({ scenario }) => scenarioNamed(scenario).module ?? 'core')
  const table = pageOf('docs/model-checker.md').matchAll(/^\| (\w+) \| (\d+) \| .* million \| (\d+) \|$/gm)
  const told = [...table].map(([, module, count, planted]) => [module, Number(count), Number(planted)])
  const modules = [...new Set(moduleOf.values())]
  const of = (list: readonly unknown[], module: string) => list.filter((one) => one === module).length
  expect(told).toEqual(
    modules.map((module) => [module, of([...moduleOf.values()], module), of(bugs, module)]),
  )
})
