import type { Command } from './command.ts'
import { exitCode } from './exit.ts'
import type { Flag } from './flags.ts'
import type { Paint } from './terminal.ts'

export const WIDTH = 96

/** `spillway --help` */
export function renderOverview(commands: Readonly<Record<string, Command>>, paint: Paint): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => [name, summary] as const)
  return [
    `${paint('bold', 'spillway')} ships events without ever waiting, and accounts for every one it loses.`,
    '',
    `${paint('bold', 'Usage:')} spillway <command> [flags]`,
    '',
    paint('bold', 'Commands:'),
    ...columns(rows),
    '',
    paint('bold', 'Flags:'),
    ...columns([
      ['-h, --help', 'This text; spillway <command> --help has the flags of a command.'],
      ['--version', 'The version.'],
    ]),
    '',
  ].join('\n')
}

/** `spillway <command> --help` */
export function renderHelp(name: string, command: Command, paint: Paint): string {
  const flags = Object.entries(command.flags).map(([flag, about]) => flagRow(flag, about))
  return [
    `${paint('bold', 'Usage:')} ${['spillway', name, '[flags]', ...command.operands].join(' ')}`,
    '',
    ...command.description.split('\n').flatMap((paragraph) => wrap(paragraph, WIDTH)),
    '',
    paint('bold', 'Flags:'),
    ...columns([...flags, ['-h, --help', 'This text.']]),
    '',
    paint('bold', 'Examples:'),
    ...command.examples.map((example) => `  ${example}`),
    '',
    paint('bold', 'Exit codes:'),
    ...columns(
      [...command.exitCodes, usageCode].sort(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10)),
    ),
    '',
  ].join('\n')
}

const usageCode = [String(exitCode.usage), 'It was not called as it must be.'] as const

function flagRow(name: string, flag: Flag<unknown>): readonly [string, string] {
  const fallback = flag.defaultText === undefined ? '' : ` Default: ${flag.defaultText}.`
  const again = flag.kind === 'list' ? ' May be given several times.' : ''
  return [`--${name} ${flag.placeholder}`.trimEnd(), `${flag.help}${fallback}${again}`]
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.max(...rows.map(([term]) => term.length)) + 4
  return rows.flatMap(([term, meaning]) =>
    wrap(meaning, WIDTH - left).map(
      (line, i) => (i === 0 ? `  ${term}`.padEnd(left) : ' '.repeat(left)) + line,
    ),
  )
}

export function wrap(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line === '') lines[lines.length - 1] = word
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}
