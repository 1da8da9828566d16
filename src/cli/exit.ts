import { constants } from 'node:os'
import { messageOf, SpillwayError } from '../core/errors.ts'

/** What a script may rely on. A signal adds its number to 128, as in a shell: 130 for SIGINT, 143 for SIGTERM. */
export const exitCode = { ok: 0, failed: 1, usage: 2, cannotStart: 3 } as const

export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

/** Ends the command: the message goes to standard error, the code to the shell. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly exitCode: number

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = code
  }
}

export function usageError(message: string): CommandFailure {
  return new CommandFailure(exitCode.usage, message)
}

/** What a command needs before it can begin. If it can't be had, that is what the exit code says. */
export async function starting<T>(opening: Promise<T>): Promise<T> {
  try {
    return await opening
  } catch (error) {
    const isUsage = error instanceof SpillwayError && error.code === 'ERR_INVALID_ARGUMENT'
    throw new CommandFailure(isUsage ? exitCode.usage : exitCode.cannotStart, messageOf(error), {
      cause: error,
    })
  }
}
