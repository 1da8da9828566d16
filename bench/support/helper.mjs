// Processes at the other end of a socket, so that who is measured pays for its own end and for nothing else.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

let cpuSeconds = 0
/** What processes that this one started have used. */
export const helpersCpuSeconds = () => cpuSeconds

/** Runs `entry` of this folder, which says `ready` with `standBy` of helper-end.mjs. `result()` ends it, and tells what it has counted. */
export async function startHelper(entry, options) {
  const child = fork(fileURLToPath(new URL(entry, import.meta.url)), [JSON.stringify(options)])
  const [ready] = await once(child, 'message')
  const result = async () => {
    const exited = once(child, 'exit') // it may be heard of before the message
    child.send('result')
    const [{ cpuSeconds: used, ...counted }] = await once(child, 'message')
    cpuSeconds += used
    await exited
    return counted
  }
  return { ...ready, result }
}
