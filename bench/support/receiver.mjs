// A UDP port with a process of its own behind it that only counts, so that who sends pays for sending and for nothing else.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const entry = fileURLToPath(new URL('./receiver-entry.mjs', import.meta.url))
const RECV_BUFFER_BYTES = 4 * 1024 * 1024

let cpuSeconds = 0
/** What processes that this one started have used. */
export const helpersCpuSeconds = () => cpuSeconds

/**
 * `starts`: how a datagram begins. `isSeparated`: newlines stand between lines, none after the last. `result()` waits until nothing comes any more, ends the process
 * and tells `{ datagrams, lines, bytes, seconds, odd, apart, dropped }`: whole lines, from the first datagram with some to the last; `apart`
 * are the exporter's own datagrams, `odd` begin otherwise, `dropped` found the receive buffer full (undefined where the system
 * does not tell).
 */
export async function startReceiver({ starts, isSeparated = false, recvBufferBytes = RECV_BUFFER_BYTES }) {
  const child = fork(entry, [JSON.stringify({ starts, isSeparated, recvBufferBytes })])
  const [{ port }] = await once(child, 'message')
  const result = async () => {
    const exited = once(child, 'exit') // it may be heard of before the message
    child.send('result')
    const [{ cpuSeconds: used, ...counted }] = await once(child, 'message')
    cpuSeconds += used
    await exited
    return counted
  }
  return { port, result }
}
