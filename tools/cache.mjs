// Installs an npm package into .cache/ once, whole or not at all, for the tools that need a foreign binary.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Says it on stderr: stdout belongs to the results. */
export const say = (line) => process.stderr.write(`${line}\n`)

/**
 * The folder `.cache/<group>/<name>-<version>`, with the package's node_modules in it; installed when missing.
 * `finish(dir)` may add to the folder before it gets its name, so that a half-made one is never taken for whole.
 */
export function installed(group, name, version, finish = () => {}) {
  const parent = join(root, '.cache', group)
  const dir = join(parent, `${name.replace(/[@/]/g, '')}-${version}`)
  if (existsSync(dir)) return dir
  mkdirSync(parent, { recursive: true })
  say(`${name}@${version} is not in .cache/${group}: installing it from npm`)
  const fresh = mkdtempSync(join(parent, '.installing-'))
  try {
    writeFileSync(join(fresh, 'package.json'), '{ "private": true }\n')
    npmInstall(fresh, `${name}@${version}`)
    finish(fresh)
    // Another process may have been faster; its folder is as good as ours.
    if (!existsSync(dir)) renameSync(fresh, dir)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
  return dir
}

function npmInstall(prefix, spec) {
  const args = [
    'install',
    '--prefix',
    prefix,
    '--no-package-lock',
    '--ignore-scripts',
    '--loglevel=error',
    spec,
  ]
  const run = spawnSync('npm', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
    timeout: 300_000,
  })
  if (run.status === 0) return
  const why = run.error?.message ?? `${run.stdout}${run.stderr}`.trim().split('\n').slice(-3).join(' ')
  throw new Error(`npm could not install ${spec}: ${why}`)
}
