/**
 * The end of the process, or of a thread: whatever way it ends in, what was accepted is sent first, as far as the runtime
 * says that it ends. docs/exit.md has the table.
 *
 * @module
 */
import process from 'node:process'

/** Something with records that are still to be delivered when the process ends. */
export interface Drainable {
  /** Asks for everything accepted to be sent. `isLast`: nothing comes after. What it answers waits for that. */
  startDrain(isLast: boolean): DrainWait
}

/** Blocks until it is done, or until the deadline (of `performance.now()`) has passed. Answers whether it is done. */
export type DrainWait = (deadlineMs: number) => boolean

/** Of all together: a process that cannot get rid of its events must end nevertheless. */
const EXIT_MS = 2000

/** With when each could last not be drained in time. */
const open = new Map<Drainable, number>()
let isInstalled = false
let isOver = false

/** Whether everything that was accepted has been sent for the last time. The program's own `exit` handlers may still run. */
export function isExiting(): boolean {
  return isOver
}

/** While this thread blocks, the I/O thread goes on. */
function drainAll(isLast: boolean): void {
  isOver ||= isLast
  const began = performance.now()
  // All are asked before the first is waited for.
  const drains = [...open].map(([drainable, gaveUpMs]) => ({
    drainable,
    // Several events may tell of one end: what could not be done a moment ago is not waited for again.
    deadline: began - gaveUpMs < EXIT_MS ? began : began + EXIT_MS,
    wait: drainable.startDrain(isLast),
  }))
  for (const { drainable, deadline, wait } of drains)
    if (!wait(deadline)) open.set(drainable, performance.now())
}

/** Until the answer is called, the thing is drained when this thread or the process ends. */
export function drainAtExit(drainable: Drainable): () => void {
  open.set(drainable, Number.NEGATIVE_INFINITY)
  if (!isInstalled) install()
  return () => {
    open.delete(drainable)
  }
}

function install(): void {
  isInstalled = true
  process.on('exit', () => drainAll(true))
  if ('Deno' in globalThis) installForDeno()
}

/**
 * In Deno `exit` comes after a return and `process.exit`, not after `Deno.exit`, nor after an error. `unload` comes after all but
 * an error; after a return it comes before `exit`, whose handlers may still have something to say.
 */
function installForDeno(): void {
  let isReturning = false
  globalThis.addEventListener('beforeunload', () => {
    isReturning = true
  })
  globalThis.addEventListener('unload', () => drainAll(!isReturning))
  // The program may still catch the error: it is no end yet.
  globalThis.addEventListener('error', () => drainAll(false))
  globalThis.addEventListener('unhandledrejection', () => drainAll(false))
}

// ---- signals -------------------------------------------------------------------------------------------

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Exporters that want it. */
let wanted = 0

/** Without a handler a signal ends the process at once, and what waits is lost. With it: drain, then end by the same signal. */
export function drainAtSignals(): () => void {
  if (wanted++ === 0) for (const signal of SIGNALS) process.prependListener(signal, onSignal)
  return () => {
    if (--wanted === 0) for (const signal of SIGNALS) process.off(signal, onSignal)
  }
}

/** First of all handlers, so that one of somebody else's that is there for one time is still there to be counted. */
function onSignal(signal: NodeJS.Signals): void {
  // Others may count handlers, too, and leave the end to whoever comes last: they must not find this one.
  process.off(signal, onSignal)
  const isOurs = process.listenerCount(signal) === 0
  drainAll(isOurs)
  if (isOurs) process.kill(process.pid, signal)
  else queueMicrotask(() => listenAgain(signal))
}

/** Somebody else's handler decided, and the program goes on. */
function listenAgain(signal: NodeJS.Signals): void {
  if (wanted > 0) process.prependListener(signal, onSignal)
}
