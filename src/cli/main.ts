import { readFileSync } from 'node:fs'
import process from 'node:process'
import { messageOf } from '../core/errors.ts'
import type { Command, CommandHost } from './command.ts'
import { commands } from './commands.ts'
import { CommandFailure, exitCode, usageError } from './exit.ts'
import { parseFlags } from './flags.ts'
import { renderHelp, renderOverview } from './help.ts'
import { paintFor } from './terminal.ts'

/** Runs the command line; resolves to the exit code. */
export async function main(args: readonly string[], host: CommandHost): Promise<number> {
  const [name, ...rest] = args
  try {
    return await dispatch(name, rest, host)
  } catch (error) {
    const prefix = name !== undefined && Object.hasOwn(commands, name) ? `spillway ${name}` : 'spillway'
    host.stderr.write(`${prefix}: ${messageOf(error)}\n`)
    if (!(error instanceof CommandFailure)) {
      if (process.env.NODE_DEBUG?.includes('spillway')) console.error(error)
      return exitCode.failed
    }
    if (error.exitCode === exitCode.usage) host.stderr.write(`Try: ${prefix} --help\n`)
    return error.exitCode
  }
}

async function dispatch(
  name: string | undefined,
  args: readonly string[],
  host: CommandHost,
): Promise<number> {
  if (name === '--version') return say(host, `${versionOf(host.self)}\n`)
  if (name === '--help' || name === '-h')
    return say(host, renderOverview(commands, paintFor(host.stdout, process.env)))
  const known = `there are ${Object.keys(commands).join(', ')}`
  if (name === undefined) throw usageError(`what shall it do? As commands ${known}`)
  if (name.startsWith('-')) throw usageError(`no such flag: ${name}. There are: --help --version`)
  if (!Object.hasOwn(commands, name)) throw usageError(`no such command: ${name}; ${known}`)
  return runCommand(name, commands[name]!, args, host)
}

async function runCommand(
  name: string,
  command: Command,
  args: readonly string[],
  host: CommandHost,
): Promise<number> {
  const { values, operands, help } = parseFlags(args, command.flags)
  if (help) return say(host, renderHelp(name, command, paintFor(host.stdout, process.env)))
  const least = command.operands.filter((operand) => !operand.startsWith('[')).length
  if (operands.length < least || operands.length > command.operands.length) {
    const wanted = command.operands.length === 0 ? 'nothing beside flags' : command.operands.join(' ')
    throw usageError(
      `it takes ${wanted}, not ${operands.length === 0 ? 'nothing' : `'${operands.join(' ')}'`}`,
    )
  }
  return command.run(values, operands, host)
}

function say({ stdout }: CommandHost, text: string): number {
  stdout.write(text)
  return exitCode.ok
}

function versionOf(self: URL): string {
  const manifest = readFileSync(new URL('../../package.json', self), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
