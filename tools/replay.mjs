// Runs a schedule of the model checker step by step, showing who does what to which memory.
//
//   npm run replay -- '<schedule>' [--plant <name>] [--last 40]
//   npm run replay -- --list
//   npm run replay -- --plant <name>          finds the planted bug, then shows how

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import binaryen from 'binaryen'
import { explore, instrument, parseSchedule, racesIn, replay, scenarioNamed, scenarios } from 'spillway/sim'
import { assemble } from './assemble.mjs'
import { plants } from './plants.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    plant: { type: 'string' },
    list: { type: 'boolean' },
    last: { type: 'string' },
    help: { type: 'boolean' },
  },
})

/**
 * What a call works on, by its name: the object at its first argument. And which of the offsets that the module exports are words of that
 * object: other objects have others at the same places.
 */
const objects = [
  { calls: /^outlet/, words: /^(CLOSED|ASKED|SERVED)$/ },
  { calls: /^status/, words: /^STATUS$/ },
  { calls: /^hub/, words: /^HUB_/ },
  { calls: /^monitor/, words: /^MONITOR_/ },
  {
    calls: /^(channel|client|server|datagram|stream)/,
    words: /^((CLIENT|SERVER)_WAITS|DROPS|OWNER|SHAPE|QUESTION|ANSWER)$/,
  },
]
const ofOthers = /^(MAILBOX|THREAD|STATUS|SCRATCH|POLLER|CLOSED|ASKED|SERVED)/

try {
  if (values.help) console.log(usage())
  else if (values.list) list()
  else process.exitCode = await main(positionals[0])
} catch (error) {
  console.error(error.message)
  process.exitCode = 2
}

function usage() {
  return `npm run replay -- '<schedule>' [--plant <name>] [--last <steps>]
npm run replay -- --plant <name>    finds the planted bug and shows how
npm run replay -- --list            scenarios and planted bugs

Exit codes: 0 the schedule fails as it did, 1 it does not fail, 2 it cannot be run.`
}

function list() {
  console.log('scenarios:')
  for (const { name } of scenarios) console.log(`  ${name}`)
  console.log('\nplanted bugs:')
  for (const { name, what, scenario } of plants) console.log(`  ${name.padEnd(26)} ${what} (${scenario})`)
}

async function main(given) {
  const plant = values.plant === undefined ? undefined : plantNamed(values.plant)
  if (given === undefined && plant === undefined) throw new Error(usage())
  const name = given === undefined ? plant.scenario : parseSchedule(given).scenario
  const scenario = scenarioNamed(name)
  const module = scenario.module ?? 'core'
  const core = instrument(binaryen, plant ? await assemble(module, plant) : modelWasm(module))
  const schedule = given ?? find(core, plant)
  // As they were looked for: a planted bug fails as it was found, and of exhibits nobody has listed the races that are meant.
  const looksForRaces = plant === undefined ? scenarios.includes(scenario) : plant.race !== undefined
  const races = racesIn(scenario, looksForRaces)
  const { trace, message, machine } = replay(core, scenario, schedule, { races })
  const fieldName = fieldNamesOf(machine.view.core)
  const last = Number(values.last ?? trace.length)
  if (trace.length > last) console.log(`… ${trace.length - last} steps before`)
  for (const event of trace.slice(-last)) console.log(line(event, fieldName))
  console.log(message === undefined ? '\nNothing fails.' : `\n${message}`)
  const again = `${plant ? `--plant ${plant.name} ` : ''}'${schedule}'`
  console.log(`npm run replay -- ${again}`)
  console.log(`npm run sim -- ${again}`)
  return message === undefined ? 1 : 0
}

function plantNamed(name) {
  const plant = plants.find((one) => one.name === name)
  if (!plant) throw new Error(`no planted bug '${name}': see --list`)
  return plant
}

function modelWasm(module) {
  try {
    return readFileSync(new URL(`../build/${module}.model.wasm`, import.meta.url))
  } catch {
    throw new Error(`build/${module}.model.wasm is not there: npm run build`)
  }
}

function find(core, plant) {
  console.log(`${plant.name}: ${plant.what}\n`)
  const scenario = scenarioNamed(plant.scenario)
  const races = racesIn(scenario, plant.race !== undefined)
  const { failure } = explore(core, scenario, { kills: plant.kills ?? 0, races })
  if (!failure) throw new Error('it was not found')
  return failure.schedule
}

/** Names words: `(call, address of its object, address) => string`. */
function fieldNamesOf(core) {
  const numbers = new Map(
    Object.entries(core).flatMap(([name, item]) =>
      item instanceof WebAssembly.Global ? [[name, item.value]] : [],
    ),
  )
  const words = [...numbers]
    .filter(([name]) => name.endsWith('_OFFSET'))
    .map(([name, at]) => ({ at, key: name.slice(0, -'_OFFSET'.length) }))
  const nameAt = (at, isWord) =>
    words
      .find((word) => word.at === at && isWord(word))
      ?.key.toLowerCase()
      .replaceAll('_', ' ')

  return (call, object, address) => {
    const at = address - object
    const known = objects.find(({ calls }) => calls.test(call))
    if (known !== undefined) return nameAt(at, ({ key }) => known.words.test(key))
    const firstLane = numbers.get('FIRST_LANE_OFFSET')
    if (firstLane === undefined) {
      const inRing = at >= numbers.get('TAIL_OFFSET') && at < numbers.get('MEMBERS_OFFSET')
      return inRing ? nameAt(at, ({ key }) => !ofOthers.test(key)) : undefined
    }
    if (at < firstLane) return nameAt(at, ({ key }) => /^(STATUS|WANTS)$/.test(key))
    return nameAt((at - firstLane) % numbers.get('LANE_BYTES'), ({ key }) => /^(IN|OUT)_|^OWES$/.test(key))
  }
}

/** One step: who, what, where, and what was there before and after. */
function line({ index, name, kind, op, site, address, before, after, result }, fieldName) {
  const call = op && 'call' in op ? op.call : op && Object.keys(op)[0]
  const object = op && 'call' in op ? op.args[0] : undefined
  const where = site ? `${site.func.split('/').at(-1)} ${site.op}` : ''
  const field = (address !== undefined && object !== undefined && fieldName(call, object, address)) || ''
  const change = before === after ? before : `${before} -> ${after}`
  const what = address === undefined ? '' : `${address} ${field.padEnd(12)} ${change}`
  const ends = result === undefined ? '' : `  = ${result}`
  return `${String(index).padStart(4)}  ${name.padEnd(9)} ${kind === 'kill' ? 'KILLED in ' : ''}${String(call).padEnd(13)} ${where.padEnd(42)} ${what}${ends}`
}
