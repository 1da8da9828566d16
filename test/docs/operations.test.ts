import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { SYSCTL_FILE, sysctls } from '../../src/cli/doctor/sysctl.ts'
import { presets } from '../../src/net/presets.ts'

const docs = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), 'utf8')
const operations = docs('operations.md')

describe('docs/operations.md', () => {
  it('has the settings that the doctor recommends', () => {
    const [, block] = /```sh\n# (.*?sysctl --system\n[\s\S]*?)```/.exec(operations)!
    expect(block).toContain(SYSCTL_FILE)
    const settings = [...block!.matchAll(/^([\w.]+)=(\d+)$/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ])
    expect(Object.fromEntries(settings)).toEqual(sysctls)
    // And what is said of them elsewhere is said of these.
    for (const [name] of operations.matchAll(/net\.core\.\w+/g)) expect(Object.keys(sysctls)).toContain(name)
  })

  it('has lengths that add up, and those of the presets', () => {
    const rows = [...operations.matchAll(/^\|.*?\| ([\d,]+) \| ([\d,]+) \/ ([\d,]+) \| ([\d,]+)(.*) \|$/gm)]
    const number = (text: string | undefined) => Number(text!.replaceAll(',', ''))
    expect(rows.length).toBeGreaterThan(3)
    for (const [, mtu, four, six, take, preset] of rows) {
      expect(number(four)).toBe(Math.min(65_507, number(mtu) - 28))
      expect(number(six)).toBe(number(mtu) - 48)
      expect(number(take)).toBeLessThanOrEqual(number(six))
      const [, name] = /preset `(\w+)`/.exec(preset!) ?? []
      if (name !== undefined) expect(presets[name as 'jumbo'].maxDatagramBytes).toBe(number(take))
    }
  })
})

describe('docs/cli.md', () => {
  it('has every command', () => {
    for (const name of Object.keys(commands))
      expect(docs('cli.md')).toMatch(new RegExp(`^## .*\`${name}\``, 'm'))
  })
})
