import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'

const run = promisify(execFile)

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** A page of the project, by its path from the root. */
export const pageOf = (path: string): string => readFileSync(join(root, path), 'utf8')

export const examplesIn = (page: string): string[] =>
  [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code!)

/** A folder in which `spillway` is installed, and these libraries of those that the tests have. */
function project(libraries: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-docs-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  symlinkSync(root, join(modules, 'spillway'))
  for (const name of libraries) symlinkSync(join(root, 'node_modules', name), join(modules, name))
  return folder
}

/** Runs an example as it stands, in a project of its own, to its end: what it has said. */
export async function runExample(
  code: string,
  { libraries = [], env = {} }: { libraries?: readonly string[]; env?: Record<string, string> } = {},
): Promise<{ stdout: string; stderr: string }> {
  const folder = project(libraries)
  writeFileSync(join(folder, 'example.mjs'), code)
  return run(process.execPath, ['example.mjs'], {
    cwd: folder,
    timeout: 30_000,
    env: { ...process.env, ...env },
  })
}
