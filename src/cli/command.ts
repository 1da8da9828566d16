import type { Flags, Values } from './flags.ts'
import type { TextStream } from './terminal.ts'

/** What a command is given of the process. */
export interface CommandHost {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: TextStream
  readonly stderr: TextStream
  /** The entry of this command line: what a worker or a child process of it starts with. */
  readonly self: URL
}

/** A subcommand, one file each: what the help says of it, its flags, and what it does. */
export interface Command<F extends Flags = Flags> {
  /** One line for the list of commands. */
  readonly summary: string
  /** What it is called with, beside flags: `['<host:port>']`; in brackets what may be left out, at the end. */
  readonly operands: readonly string[]
  readonly description: string
  readonly flags: F
  readonly examples: readonly string[]
  /** Code and meaning, beyond those that all commands have (2, usage). */
  readonly exitCodes: readonly (readonly [codes: string, meaning: string])[]
  /** Resolves to the exit code; a `CommandFailure` has a message beside it. */
  run(values: Values<F>, operands: readonly string[], host: CommandHost): Promise<number>
}

/** Lets the type of `flags` flow into `run`. */
export function defineCommand<const F extends Flags>(command: Command<F>): Command<F> {
  return command
}
