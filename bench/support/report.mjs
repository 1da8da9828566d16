// From samples to a table.
import { meets } from '../plan.mjs'
import { median, spread } from './timing.mjs'

/** A sample counts as disturbed when others kept more than this many cores busy. */
const QUIET_CORES = 0.25

/** What came of a row: the figures of both sides, and what is made of them, paired round by round. */
export function outcomeOf(row, samples) {
  const own = figuresOf(row.of, samples)
  const rival = row.to && figuresOf(row.to, samples, own.length)
  const combined = own.map((value, round) => {
    if (row.as === 'ratio') return value / rival[round]
    return row.as === 'difference' ? value - rival[round] : value
  })
  const result = spread(combined)
  const verdict = row.want === undefined ? '' : meets(result.median, row.want) ? 'hit' : 'MISS'
  const reached =
    row.stretch === undefined ? '' : meets(result.median, row.stretch) ? 'reached' : 'not reached'
  return {
    ...row,
    own: spread(own),
    rival: rival && spread(rival),
    result,
    verdict,
    reached,
    lost: { own: lostIn(row.of, samples), rival: row.to && lostIn(row.to, samples) },
    disturbed: disturbedIn(row, samples),
  }
}

/** The share that never arrived, where the variant tells; not for a row that is about just that. */
function lostIn(ref, samples) {
  if (ref.constant !== undefined || ref.figure === 'lost') return 0
  return median(samples[ref.item].map(({ figures }) => figures.lost ?? 0))
}

function figuresOf(ref, samples, rounds) {
  if (ref.constant !== undefined) return new Array(rounds).fill(ref.constant)
  return samples[ref.item].map(({ figures }) => figures[ref.figure])
}

function disturbedIn({ of, to }, samples) {
  const all = [of, to].flatMap((ref) => (ref?.item ? samples[ref.item] : []))
  return all.filter(({ foreign }) => foreign > QUIET_CORES).length
}

const number = (value) =>
  Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3).replace(/\.?0+$/, '')
const range = ({ median, min, max }) =>
  min === max ? number(median) : `${number(median)} [${number(min)}-${number(max)}]`
const withLoss = (spread, lost) => range(spread) + (lost > 0 ? `, ${number(lost * 100)} % lost` : '')

function cells(outcome) {
  const {
    target,
    what,
    own,
    rival,
    lost,
    result,
    as,
    want = '',
    stretch,
    verdict,
    reached,
    disturbed,
  } = outcome
  const bounds = stretch === undefined ? want : [want, `(${stretch})`].filter(Boolean).join(' ')
  const conclusion = [verdict, reached && `(${reached})`].filter(Boolean).join(' ')
  const combined = as === 'value' ? '' : range(result)
  return [
    target,
    what,
    withLoss(own, lost.own),
    rival ? withLoss(rival, lost.rival) : '',
    combined,
    bounds,
    conclusion + (disturbed > 0 ? ' ~' : ''),
  ]
}

const HEAD = ['', 'what', 'spillway', 'rival', 'ratio or difference', 'target (stretch)', '']

export function printTable(title, outcomes) {
  const lines = [HEAD, ...outcomes.map(cells)]
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  console.log(`\n${title}`)
  for (const line of lines)
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
  if (outcomes.some(({ disturbed }) => disturbed > 0))
    console.log('~ other processes kept the machine busy meanwhile')
}

/** What stands between the marks of a group. */
export function pageTable({ date, machine, rounds, scale = 1, nodes }, group) {
  const tables = nodes.map(({ version, outcomes }) => {
    const [head, ...lines] = tableOf(outcomes.filter((row) => row.group === group))
    const rows = [head, head.map(() => '---'), ...lines].map((line) => `| ${line.join(' | ')} |`)
    return `Node ${version}:\n\n${rows.join('\n')}`
  })
  const hasRivals = nodes.some(({ outcomes }) => outcomes.some((row) => row.group === group && row.to))
  const paired = hasRivals ? ', ratios paired in the same round. † measured elsewhere' : ''
  const where = `${machine.cpu}, ${machine.cores} cores, ${machine.platform}, ${date.slice(0, 10)}`
  const taken = rounds === 1 ? 'one round' : `medians [min-max] of ${rounds} rounds`
  const shorter = scale === 1 ? '' : `, each sample ${scale} of its full length`
  return [`${where}; ${taken}${shorter}${paired}.`, ...tables].join('\n\n')
}

function tableOf(outcomes) {
  const placed = outcomes.filter(({ cell }) => cell !== undefined)
  if (placed.length > 0) return matrixOf(placed)
  return [HEAD, ...outcomes.filter(({ target }) => target !== '').map(cells)]
}

/** A line for each head, a column for each figure; empty where nothing was asked. */
function matrixOf(outcomes) {
  const columns = [...new Set(outcomes.map(({ cell }) => cell.column))]
  const heads = [...new Set(outcomes.map(({ cell }) => cell.head))]
  const at = new Map(outcomes.map((outcome) => [`${outcome.cell.head}|${outcome.cell.column}`, outcome]))
  return [
    ['', ...columns],
    ...heads.map((head) => [head, ...columns.map((column) => valueIn(at.get(`${head}|${column}`)))]),
  ]
}

function valueIn(outcome) {
  if (outcome === undefined) return ''
  return withLoss(outcome.own, outcome.lost.own) + (outcome.disturbed > 0 ? ' ~' : '')
}
