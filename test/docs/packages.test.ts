import { expect, it } from 'vitest'
import { examplesIn, pageOf, runExample } from '../support/docs-example.ts'

it('docs/packages.md names every entry of the package, and no other', () => {
  const { exports } = JSON.parse(pageOf('package.json'))
  const rows = pageOf('docs/packages.md').match(/^\| `spillway.*$/gm)!
  const named = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))
  expect(named.sort()).toEqual(
    Object.keys(exports)
      .map((name) => name.replace(/^\./, 'spillway'))
      .sort(),
  )
})

it('the worker and the core of docs/packages.md can be files', async () => {
  const [example] = examplesIn(pageOf('docs/packages.md'))
  const { stdout, stderr } = await runExample(example!)
  expect({ stdout, stderr }).toEqual({ stdout: '1\n', stderr: '' })
})

it('docs/packages.md names every peer of the manifest, and asks for nothing that is none', () => {
  const { peerDependencies } = JSON.parse(pageOf('package.json'))
  const rows = pageOf('docs/packages.md').match(/^\| `spillway.*$/gm)!
  const needed = rows.flatMap((row) =>
    [...row.split('|')[3]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  )
  // binaryen is handed to `instrument`, and imported by nobody; the OpenTelemetry SDK is named as one.
  const peers = Object.keys(peerDependencies).filter((name) => !name.startsWith('@opentelemetry/'))
  expect(needed.sort()).toEqual([...peers, 'binaryen'].sort())
})
