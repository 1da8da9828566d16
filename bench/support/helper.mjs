// Processes at the other end of a socket, so that who is measured pays for its own end and for nothing else.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

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

async function resultOf(child) {
  for (;;) {
    const [message] = await once(child, 'message')
    if (message.progress === undefined) return message
  }
}
