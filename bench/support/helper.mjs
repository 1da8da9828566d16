// Processes at the other end of a socket, so that who is measured pays for its own end and for nothing else.
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** A logger may wait for its worker at the exit: pino does so for ten seconds. */
const LONGEST_PROGRAM_MS = 30_000

let cpuSeconds = 0
/** What processes that this one started have used. */
export const helpersCpuSeconds = () => cpuSeconds

/**
 * Runs `entry` of this folder, which says `ready` with `standBy` of helper-end.mjs. `result()` ends it, and tells what it has counted. `onProgress` gets what it says
 * meanwhile, as `{ progress }`.
 */
export async function startHelper(entry, options, onProgress = () => {}) {
  const child = fork(fileURLToPath(new URL(entry, import.meta.url)), [JSON.stringify(options)])
  const [ready] = await once(child, 'message')
  child.on('message', ({ progress }) => progress !== undefined && onProgress(progress))
  const result = async () => {
    const exited = once(child, 'exit') // it may be heard of before the message
    child.send('result')
    const { cpuSeconds: used, ...counted } = await resultOf(child)
    cpuSeconds += used
    await exited
    return counted
  }
  return { ...ready, result }
}

/**
 * Runs `entry` of this folder, a program that comes to its own end, with `tellCpuAtExit` of helper-end.mjs. Rejects when it fails. When somebody's handler of the
 * exit throws it says nothing, and what it used counts as used by others.
 */
export async function runToItsEnd(entry, options) {
  const args = [fileURLToPath(new URL(entry, import.meta.url)), JSON.stringify(options)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: LONGEST_PROGRAM_MS })
  cpuSeconds += Number(stdout)
}

async function resultOf(child) {
  for (;;) {
    const [message] = await once(child, 'message')
    if (message.progress === undefined) return message
  }
}
