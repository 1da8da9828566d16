import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

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

it('the worker and the core of docs/packages.md can be files', async () => {
  const [, example] = /```js\n([\s\S]*?)```/.exec(text('docs/packages.md'))!
  const folder = mkdtempSync(join(tmpdir(), 'spillway-docs-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'spillway'))
  writeFileSync(join(folder, 'example.mjs'), example!)
  const { stdout, stderr } = await run(process.execPath, ['example.mjs'], { cwd: folder, timeout: 20_000 })
  expect({ stdout, stderr }).toEqual({ stdout: '1\n', stderr: '' })
})

it('docs/packages.md names every peer of the manifest, and asks for nothing that is none', () => {
  const { peerDependencies } = JSON.parse(text('package.json'))
  const rows = text('docs/packages.md').match(/^\| `spillway.*$/gm)!
  const needed = rows.flatMap((row) =>
    [...row.split('|')[3]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  )
  // binaryen is handed to `instrument`, and imported by nobody; the OpenTelemetry SDK is named as one.
  const peers = Object.keys(peerDependencies).filter((name) => !name.startsWith('@opentelemetry/'))
  expect(needed.sort()).toEqual([...peers, 'binaryen'].sort())
})
