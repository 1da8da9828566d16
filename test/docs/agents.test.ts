import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { presets } from '../../src/net/presets.ts'

const text = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
const agents = text('docs/agents.md')

describe('docs/agents.md', () => {
  it('names every preset that there is', () => {
    for (const name of Object.keys(presets)) expect(agents).toContain(`\`${name}\``)
  })

  it('names no preset that there is not, nor does any other document', () => {
    const table = [...agents.matchAll(/^\| [^|]+ \| `([\w-]+)` \|/gm)].map(([, name]) => name)
    expect(table.length).toBeGreaterThan(8)
    const used = [
      'README.md',
      'CHANGELOG.md',
      'docs/agents.md',
      'docs/cli.md',
      'docs/exporter.md',
      'docs/migration.md',
      'docs/operations.md',
    ]
      .map(text)
      .flatMap((document) => [...document.matchAll(/(?:preset: '|--preset |preset `|preset ')([\w-]+)/g)])
      .map(([, name]) => name!)
    expect(used.length).toBeGreaterThan(3)
    for (const name of [...table, ...used]) expect(Object.keys(presets)).toContain(name)
  })

  it('has a section for each agent of its table, and says which were not run', () => {
    const rows = [...agents.matchAll(/^\| ([^|`]+?) \| `[\w-]+` \|.*\| (tested|read) \|$/gm)]
    for (const [, agent, how] of rows) {
      if (agent === 'spillway collector') continue
      const section = new RegExp(`^## ${agent}\n\n([\\s\\S]*?)(?=^## |$(?![\\s\\S]))`, 'm').exec(agents)?.[1]
      expect(section, agent).toBeDefined()
      expect(section!.startsWith('Read, not run.'), agent).toBe(how === 'read')
    }
  })
})
