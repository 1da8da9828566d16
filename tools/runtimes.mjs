// Where the newest Node, Deno and Bun are on this machine: from npm, kept in .cache/runtimes.
// `node tools/runtimes.mjs` prints the paths.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { installed } from './cache.mjs'

export const versions = { node: '26.10.0', deno: '2.9.6', bun: '1.4.5' }

/** How a module is run: `[path, ...args, module]`. */
const runArgs = { node: [], deno: ['run', '-A', '--no-lock'], bun: ['run'] }

const exe = process.platform === 'win32' ? '.exe' : ''

// npm 11 runs no install scripts, so the packages' own `bin` is a stub: take the binary out of the optional
// package for this platform. Several may be there (glibc and musl); the one that runs is the right one.
const candidates = {
  node: (modules) => [join(modules, nodePackage(), 'bin', `node${exe}`)],
  deno: (modules) => inside(modules, '@deno', (name) => join(name, `deno${exe}`)),
  bun: (modules) => inside(modules, '@oven', (name) => join(name, 'bin', `bun${exe}`)),
}

function nodePackage() {
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'
  return `${prefix}-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
}

function inside(modules, scope, toBinary) {
  const dir = join(modules, scope)
  return existsSync(dir) ? readdirSync(dir).map((name) => join(dir, toBinary(name))) : []
}

/** Installs the runtime if need be: `{ name, version, path, args }`. Throws with the reason when it can't be had. */
export function ensureRuntime(name) {
  const version = versions[name]
  if (!version) throw new Error(`no such runtime: ${name}; there are ${Object.keys(versions).join(', ')}`)
  const dir = installed('runtimes', name === 'node' ? nodePackage() : name, version)
  const tried = candidates[name](join(dir, 'node_modules')).filter((path) => existsSync(path))
  for (const path of tried) {
    const run = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 30_000 })
    if (run.status === 0 && run.stdout.includes(version)) return { name, version, path, args: runArgs[name] }
  }
  throw new Error(
    `${name} ${version} has no binary that runs on ${process.platform}-${process.arch}: ${tried}`,
  )
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const name of Object.keys(versions)) {
    try {
      console.log(`${name} ${versions[name]} ${ensureRuntime(name).path}`)
    } catch (error) {
      console.error(error.message)
      process.exitCode = 1
    }
  }
}
