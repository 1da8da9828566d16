// `npm run docs:api`: the reference of every entry point, as HTML in build/api, by `deno doc`.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureRuntime } from './runtimes.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const { exports, name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** The sources that the exports with types are made from. */
const sources = Object.values(exports)
  .filter((target) => typeof target === 'object')
  .map(({ node, default: target }) => (node ?? target).replace('./dist/', 'src/').replace(/\.js$/, '.ts'))

rmSync(join(root, 'build', 'api'), { recursive: true, force: true })
const { status } = spawnSync(
  ensureRuntime('deno').path,
  ['doc', '--html', `--name=${name}`, '--output=build/api', ...sources],
  { cwd: root, stdio: 'inherit' },
)
process.exitCode = status ?? 1
