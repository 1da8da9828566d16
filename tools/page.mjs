// The simulator page: what ships, instrumented, and the page over it, as a folder for any file server.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import binaryen from 'binaryen'
import { build as esbuild } from 'esbuild'
import { assemble } from './assemble.mjs'
import { modules } from './modules.mjs'
import { plants } from './plants.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const at = (...path) => join(root, ...path)

/** What the tours of the page need. Any other is built when it is asked for: tools/sim.mjs. */
export const shownPlants = ['wait-without-recheck']

/** Each module as it ships, and a few with a bug planted, into a folder: takes some seconds. */
export async function instrumentModules(folder) {
  mkdirSync(join(folder, 'plants'), { recursive: true })
  const { instrument, packInstrumented } = await simulator()
  for (const name of Object.keys(modules)) {
    const wasm = without(readFileSync(at('build', `${name}.model.wasm`)), notStepped[name] ?? [])
    writeFileSync(join(folder, `${name}.sim.wasm`), packInstrumented(instrument(binaryen, wasm)))
  }
  for (const name of shownPlants) await instrumentPlant(folder, name)
}

/** Adds one to the folder, and to its list. */
export async function instrumentPlant(folder, name) {
  const plant = plantNamed(name)
  const { instrument, packInstrumented, scenarioNamed } = await simulator()
  const wasm = await assemble(scenarioNamed(plant.scenario).module ?? 'core', plant)
  writeFileSync(join(folder, 'plants', `${name}.sim.wasm`), packInstrumented(instrument(binaryen, wasm)))
  const list = join(folder, 'plants', 'list.json')
  const { what, scenario, kills = 0, race } = plant
  const known = plantsIn(list).filter((one) => one.name !== name)
  writeFileSync(
    list,
    `${JSON.stringify([...known, { name, what, scenario, kills, isRace: race !== undefined }])}\n`,
  )
}

/** The machine of a connection is one thread's business: nothing of it is stepped, and it is half of its module. */
const notStepped = { gudp: ['connectionNext', 'connectionReceive'] }

function without(wasm, names) {
  if (names.length === 0) return wasm
  const module = binaryen.readBinary(wasm)
  for (const name of names) module.removeExport(name)
  binaryen.setDebugInfo(true)
  module.runPasses(['remove-unused-module-elements'])
  const smaller = module.emitBinary()
  module.dispose()
  return smaller
}

export function plantNamed(name) {
  const plant = plants.find((one) => one.name === name)
  if (plant === undefined) throw new Error(`no planted bug '${name}': npm run replay -- --list shows them`)
  return plant
}

function plantsIn(list) {
  try {
    return JSON.parse(readFileSync(list, 'utf8'))
  } catch {
    return []
  }
}

let bundled

/** What is needed of src/sim, from its sources: dist may not be there yet. */
function simulator() {
  bundled ??= (async () => {
    const outfile = at('build', 'simulator.mjs')
    const contents = `export { instrument } from './src/sim/instrument.ts'
      export { packInstrumented } from './src/sim/packed.ts'
      export { scenarioNamed } from './src/sim/scenarios/index.ts'`
    await esbuild({
      stdin: { contents, resolveDir: root, loader: 'ts' },
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'neutral',
      logLevel: 'silent',
    })
    return import(pathToFileURL(outfile).href)
  })()
  return bundled
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await instrumentModules(process.argv[2])
