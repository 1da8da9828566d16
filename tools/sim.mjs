// The simulator of this checkout, in a browser.
//
//   npm run sim -- ['<schedule>'] [--plant <name>] [--port <port>]
//
// With a planted bug the page has that code, too; without a schedule, the one that the model checker finds.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    plant: { type: 'string' },
    port: { type: 'string' },
    host: { type: 'string' },
    out: { type: 'string' },
  },
})

const built = spawnSync(process.execPath, [at('build.mjs'), '--if-stale'], {
  stdio: ['ignore', 'ignore', 'inherit'],
})
if (built.status !== 0) process.exit(built.status ?? 1)

try {
  const schedule = values.plant === undefined ? positionals[0] : await planted(values.plant, positionals[0])
  const passed = ['port', 'host', 'out'].flatMap((name) =>
    values[name] === undefined ? [] : [`--${name}`, values[name]],
  )
  const child = spawn(
    process.execPath,
    [at('../dist/cli/index.js'), 'sim', ...(schedule ? [schedule] : []), ...passed],
    { stdio: 'inherit' },
  )
  // The child hears Ctrl-C, too, and says how it ends.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  child.on('close', (code) => {
    process.exitCode = code ?? 1
  })
} catch (error) {
  console.error(error.message)
  process.exitCode = 2
}

/** Adds the planted code to the page that is served, and finds its schedule if none is given. */
async function planted(name, given) {
  const { instrumentPlant, plantNamed } = await import('./page.mjs')
  const { explore, racesIn, scenarioNamed, unpackInstrumented } = await import('spillway/sim')
  const plant = plantNamed(name)
  console.log(`planting ${name}: ${plant.what}`)
  await instrumentPlant(at('../dist/page'), name)
  return `${given ?? found(plant)}&plant=${name}`

  function found({ scenario: scenarioName, kills = 0, race }) {
    const scenario = scenarioNamed(scenarioName)
    const core = unpackInstrumented(new Uint8Array(readFileSync(at(`../dist/page/plants/${name}.sim.wasm`))))
    const { failure } = explore(core, scenario, { kills, races: racesIn(scenario, race !== undefined) })
    if (failure === undefined) throw new Error('the model checker does not find it')
    console.log(failure.message)
    return failure.schedule
  }
}
