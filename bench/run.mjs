// `npm run bench`: every variant in a process of its own, in turn, round after round; see bench/README.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { ensureRuntime } from '../tools/runtimes.mjs'
import { groups, itemsOf, rows } from './plan.mjs'
import { outcomeOf, pageTable, printTable } from './support/report.mjs'
import { takeSample } from './support/sample.mjs'

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' }, // of each sample's length
    quick: { type: 'boolean', default: false },
    only: { type: 'string' }, // several with commas between
    node: { type: 'string', default: 'both' }, // newest, own or both
    json: { type: 'string' },
    add: { type: 'string' }, // another run's JSON, whose tables go before this one's
    group: { type: 'string' }, // what becomes one table: see `groups` of plan.mjs
    readme: { type: 'boolean', default: false },
  },
})
const rounds = options.quick ? 1 : Math.max(1, Number(options.runs))
const scale = options.quick ? 0.25 : Number(options.scale)
const chosen = rows.filter(({ of, target, what, group }) => {
  if (options.group !== undefined && group !== options.group) return false
  const names = options.only?.split(',') ?? ['']
  return names.some((name) => target === name || of.item.includes(name) || what.includes(name))
})
const items = itemsOf(chosen)
const report = {
  date: new Date().toISOString(),
  machine: {
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    platform: `${process.platform}-${process.arch}`,
  },
  rounds,
  scale,
  nodes: options.add ? JSON.parse(readFileSync(options.add, 'utf8')).nodes : [],
}

for (const node of nodes()) {
  const samples = measure(node)
  const outcomes = chosen.map((row) => outcomeOf(row, samples))
  report.nodes.push({ version: node.version, samples, outcomes })
  printTable(`Node ${node.version}`, outcomes)
}
if (options.json) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`)
if (options.readme) writePages()

function nodes() {
  const own = { version: process.versions.node, path: process.execPath }
  if (options.node === 'own') return [own]
  const newest = ensureRuntime('node')
  return options.node === 'newest' || newest.version === own.version ? [newest] : [newest, own]
}

/** `{ item: [{ figures, foreign }] }`, one sample a round. Each round goes the other way, so that a drift falls out. */
function measure(node) {
  const samples = Object.fromEntries([...items.keys()].map((item) => [item, []]))
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? [...items] : [...items].reverse()
    for (const [item, { name, variant }] of order) {
      progress(`Node ${node.version}, round ${round + 1} of ${rounds}: ${item}`)
      samples[item].push(takeSample({ node: node.path, name, variant, scale }))
    }
  }
  progress('')
  return samples
}

function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

/** Each group has a table of its own, with its date: they are not always run together. */
function writePages() {
  const written = options.group === undefined ? Object.keys(groups) : [options.group]
  for (const group of written) writeTable(group, new URL(`../${groups[group]}`, import.meta.url))
}

function writeTable(group, page) {
  const text = readFileSync(page, 'utf8')
  const between = new RegExp(`(<!-- bench:${group}:start -->)[\\s\\S]*(<!-- bench:${group}:end -->)`)
  if (!between.test(text))
    throw new Error(`${groups[group]} has no <!-- bench:${group}:start --> and its end`)
  writeFileSync(
    page,
    text.replace(between, (_, from, to) => `${from}\n${pageTable(report, group)}\n${to}`),
  )
}
