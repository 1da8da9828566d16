// The simulator of this checkout, in a browser.
//
//   npm run sim -- ['<schedule>'] [--plant <name>] [--port <port>]
//
// With a planted bug the page has that code, too; without a schedule, the one that the model checker finds.
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))
let dist = at('../dist')

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      plant: { type: 'string' },
      port: { type: 'string' },
      host: { type: 'string' },
      out: { type: 'string' },
    },
  })
  build()
  const { plant, ...flags } = values
  const schedules = plant === undefined ? positionals : [await planted(plant, positionals[0])]
  // A copy of the page with the bug in it opens nowhere in particular.
  const operands = plant !== undefined && flags.out !== undefined ? [] : schedules
  const passed = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  serve([...operands, ...passed])
} catch (error) {
  console.error(error.message)
  process.exitCode = 2
}

function build() {
  const { status } = spawnSync(process.execPath, [at('build.mjs'), '--if-stale'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) process.exit(status ?? 1)
}

function serve(args) {
  const child = spawn(process.execPath, [`${dist}/cli/index.js`, 'sim', ...args], { stdio: 'inherit' })
  // Ctrl-C the terminal sends to the child, too, which says how it ends; a second one would end it on the spot.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('close', (code) => {
    process.exitCode = code ?? 1
  })
}

/** Adds the planted code to the page, and finds its schedule if none is given. */
async function planted(name, given) {
  const { instrumentPlant, plantNamed } = await import('./page.mjs')
  const { explore, racesIn, scenarioNamed, unpackInstrumented } = await import('spillway/sim')
  const plant = plantNamed(name)
  console.log(`planting ${name}: ${plant.what}`)
  // To that of a copy: in dist it would be shipped.
  const copy = mkdtempSync(at('../build/planted-'))
  process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
  cpSync(dist, copy, { recursive: true })
  dist = copy
  const page = `${dist}/page`
  await instrumentPlant(page, name)
  return `${given ?? found(plant)}&plant=${name}`

  function found({ scenario: scenarioName, kills = 0, race }) {
    const scenario = scenarioNamed(scenarioName)
    const core = unpackInstrumented(new Uint8Array(readFileSync(`${page}/plants/${name}.sim.wasm`)))
    const { failure } = explore(core, scenario, { kills, races: racesIn(scenario, race !== undefined) })
    if (failure === undefined) throw new Error('the model checker does not find it')
    console.log(failure.message)
    return failure.schedule
  }
}
