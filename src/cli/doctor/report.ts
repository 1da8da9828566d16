import { counted } from '../format.ts'
import { WIDTH, wrap } from '../help.ts'
import type { Paint } from '../terminal.ts'
import { type Finding, tally, type Verdict } from './finding.ts'

const WORDS: Readonly<Record<Verdict, string>> = {
  ok: 'ok',
  warning: 'warning',
  problem: 'problem',
  unknown: '-',
}
const TONES = { ok: 'green', warning: 'yellow', problem: 'red', unknown: 'dim' } as const
const LEFT = Math.max(...Object.values(WORDS).map(({ length }) => length)) + 2

/** A finding as lines: the verdict, what was seen, and under it what it means and what to change. */
export function renderFinding({ verdict, says, means, change }: Finding, paint: Paint): string {
  const word = paint(TONES[verdict], WORDS[verdict].padEnd(LEFT))
  const [first, ...rest] = wrap(says, WIDTH - LEFT)
  const more = [...rest, ...labelled('means', means), ...labelled('change', change)]
  return [`${word}${first}`, ...more.map((line) => ' '.repeat(LEFT) + line), ''].join('\n')
}

function labelled(label: string, text: string | undefined): string[] {
  if (text === undefined) return []
  const head = `${label}: `
  return wrap(text, WIDTH - LEFT - head.length).map(
    (line, i) => (i === 0 ? head : ' '.repeat(head.length)) + line,
  )
}

export function renderSum(findings: readonly Finding[], paint: Paint): string {
  const { ok, warning, problem, unknown } = tally(findings)
  const sum = [counted(problem, 'problem'), counted(warning, 'warning'), `${ok} ok`]
  if (unknown > 0) sum.push(`${unknown} not said here`)
  return `${paint('bold', sum.join(', '))}\n`
}
