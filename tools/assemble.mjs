// The core for the model checker: the code that ships, with names, and with a bug planted in it if asked.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { modules } from './modules.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * The Wasm of the `model` target; with a plant, of one that is compiled in a third of the time: it has to show the bug, it need not be the
 * code that ships. With `functions` it exports no others, and what only the others need is not in it.
 *
 * @param {string} module
 * @param {import('./plants.mjs').Plant} [plant]
 * @param {ReadonlySet<string>} [functions]
 * @returns {Promise<Uint8Array>}
 */
export async function assemble(module, plant, functions) {
  /** @type {Uint8Array | undefined} */
  let wasm
  const { entry, names } = modules[module]
  const args = [
    entry,
    names,
    '--config',
    'asconfig.json',
    '--target',
    plant ? 'plant' : 'model',
    '--outFile',
    'model.wasm',
  ]
  const { error, stderr } = await asc.main(args, {
    readFile: (name, base) => {
      const path = join(base === '.' ? root : base, name)
      if (!existsSync(path)) return null
      const source = readFileSync(path, 'utf8')
      if (functions && path === join(root, entry)) return narrowed(source, functions)
      return plant ? planted(source, path, plant) : source
    },
    writeFile: (name, contents) => {
      if (name.endsWith('.wasm')) wasm = /** @type {Uint8Array} */ (contents)
    },
    listFiles: () => [],
  })
  if (error || !wasm) throw new Error(`${error?.message}\n${stderr}`)
  return wasm
}

/** The entry only names what others export: constants, in capitals, which cost nothing, and functions. */
function narrowed(source, functions) {
  return source.replaceAll(/\b[a-z]\w*(?=[^{}]*\} from ')(?:,\s*)?/g, (text) =>
    functions.has(text.match(/\w+/)[0]) ? text : '',
  )
}

/** A plant that no longer takes root must be noticed. */
function planted(source, path, { name, changes }) {
  let changed = source
  for (const { file, find, replace } of changes) {
    if (!path.endsWith(join('assembly', file))) continue
    if (changed.split(find).length !== 2) throw new Error(`plant '${name}': its place in ${file} has gone`)
    changed = changed.replace(find, () => replace)
  }
  return changed
}
