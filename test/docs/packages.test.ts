import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const text = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')

it('docs/packages.md names every entry of the package, and no other', () => {
  const { exports } = JSON.parse(text('package.json'))
  const rows = text('docs/packages.md').match(/^\| `spillway.*$/gm)!
  const named = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))
  expect(named.sort()).toEqual(
    Object.keys(exports)
      .map((name) => name.replace(/^\./, 'spillway'))
      .sort(),
  )
})
