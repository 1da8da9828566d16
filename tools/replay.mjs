// Runs a schedule of the model checker step by step, showing who does what to which memory.
//
//   npm run replay -- '<schedule>' [--plant <name>] [--last 40]
//   npm run replay -- --list
//   npm run replay -- --plant <name>          finds the planted bug, then shows how

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import binaryen from 'binaryen'
import { explore, instrument, parseSchedule, replay, scenarioNamed, scenarios } from 'spillway/sim'
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
  const { trace, message, machine } = replay(core, scenario, schedule)
  const fields = fieldsOf(machine.view.core)
  const last = Number(values.last ?? trace.length)
  if (trace.length > last) console.log(`… ${trace.length - last} steps before`)
  for (const event of trace.slice(-last)) console.log(line(event, fields))
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
  const { failure } = explore(core, scenarioNamed(plant.scenario), { kills: plant.kills ?? 0 })
  if (!failure) throw new Error('it was not found')
  return failure.schedule
}

/** Names of the words of a ring, by their offset. */
function fieldsOf(core) {
  const fields = new Map()
  const [first, last] = [core.TAIL_OFFSET.value, core.MEMBERS_OFFSET.value]
  for (const [name, item] of Object.entries(core)) {
    const at = item instanceof WebAssembly.Global && name.endsWith('_OFFSET') ? item.value : -1
    if (at >= first && at < last && !/^(MAILBOX|THREAD|STATUS|SCRATCH|POLLER)/.test(name)) {
      fields.set(at, name.slice(0, -'_OFFSET'.length).toLowerCase().replaceAll('_', ' '))
    }
  }
  return fields
}

/** One step: who, what, where, and what was there before and after. */
function line({ index, name, kind, op, site, address, before, after, result }, fields) {
  const call = op && 'call' in op ? op.call : op && Object.keys(op)[0]
  const ring = op && 'call' in op ? op.args[0] : undefined
  const where = site ? `${site.func.split('/').at(-1)} ${site.op}` : ''
  const field = (address !== undefined && ring !== undefined && fields.get(address - ring)) || ''
  const change = before === after ? before : `${before} -> ${after}`
  const what = address === undefined ? '' : `${address} ${field.padEnd(12)} ${change}`
  const ends = result === undefined ? '' : `  = ${result}`
  return `${String(index).padStart(4)}  ${name.padEnd(9)} ${kind === 'kill' ? 'KILLED in ' : ''}${String(call).padEnd(13)} ${where.padEnd(42)} ${what}${ends}`
}
