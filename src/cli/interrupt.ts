import process from 'node:process'
import { exitCode, exitCodeOfSignal } from './exit.ts'

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** The first signal asks the command to finish what it has accepted; the second ends it on the spot. */
export class Interrupt {
  readonly #controller = new AbortController()
  #received: NodeJS.Signals | undefined

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#onSignal)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The signal's, where one came and nothing went wrong: a command that was stopped has not done all it was asked for. */
  exitCode(code: number): number {
    return this.#received !== undefined && code === exitCode.ok ? exitCodeOfSignal(this.#received) : code
  }

  end(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal)
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (this.#received !== undefined) process.exit(exitCodeOfSignal(signal))
    this.#received = signal
    this.#controller.abort()
  }
}

/** Until the work is done, or nobody waits for it any more. Rejects only with what the work has failed with by then. */
export async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  let abort = () => {}
  const aborted = new Promise<void>((resolve) => {
    abort = resolve
    signal.addEventListener('abort', abort, { once: true })
  })
  await Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', abort))
}
