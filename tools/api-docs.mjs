// `npm run docs:api`: the reference of every entry point, as HTML in build/api, by `deno doc`. Fails when an entry, or what it exports, has no
// word of documentation. (`deno doc --lint` asks for one at each member, too, and most of these say what they are by their names.)
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ensureRuntime } from './runtimes.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const LARGEST_JSON = 64 * 2 ** 20

/**
 * Entries and exports that nothing is said of. What is exported a second time (a `reference`) has its word where it was first.
 *
 * @typedef {{ kind: string, location: { filename: string, line: number }, jsDoc?: { doc?: string } }} Declaration
 * @typedef {{ module_doc?: { doc?: string }, symbols: { name: string, declarations: Declaration[] }[] }} Entry
 * @param {Record<string, Entry>} entries
 * @returns {string[]}
 */
export function undocumented(entries) {
  return Object.entries(entries).flatMap(([file, { module_doc, symbols }]) => [
    ...(module_doc?.doc ? [] : [`${file}: the entry itself`]),
    ...symbols
      .filter(
        ({ declarations }) => !declarations.some(({ kind, jsDoc }) => kind === 'reference' || jsDoc?.doc),
      )
      .map(({ name, declarations: [{ location }] }) => `${location.filename}:${location.line}: ${name}`),
  ])
}

/** The sources that the exports with types are made from. */
function entrySources() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return Object.values(exports)
    .filter((target) => typeof target === 'object')
    .map(({ node, default: target }) => (node ?? target).replace('./dist/', 'src/').replace(/\.js$/, '.ts'))
}

function denoDoc(...args) {
  const run = spawnSync(ensureRuntime('deno').path, ['doc', '--quiet', '--no-lock', ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: LARGEST_JSON,
  })
  if (run.status !== 0) throw new Error(run.error?.message ?? run.stderr)
  return run.stdout
}

function main() {
  const sources = entrySources()
  const output = join('build', 'api')
  rmSync(join(root, output), { recursive: true, force: true })
  denoDoc('--html', '--name=spillway', `--output=${output}`, ...sources)
  const missing = undocumented(JSON.parse(denoDoc('--json', ...sources)).nodes)
  for (const what of missing) console.error(`not documented: ${what.replace(pathToFileURL(root).href, '')}`)
  console.log(`${sources.length} entries: ${output}`)
  process.exitCode = missing.length === 0 ? 0 : 1
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main()
