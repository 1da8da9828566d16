// A UDP port with a process of its own behind it that only counts, so that who sends pays for sending and for nothing else.
import { startHelper } from './helper.mjs'

const RECV_BUFFER_BYTES = 4 * 1024 * 1024

/**
 * `starts`: how a datagram begins. `isSeparated`: newlines stand between lines, none after the last. `result()` waits until nothing comes any more, ends the process
 * and tells `{ datagrams, lines, bytes, seconds, odd, apart, dropped }`: whole lines, from the first datagram with some to the last; `apart`
 * are the exporter's own datagrams, `odd` begin otherwise, `dropped` found the receive buffer full (undefined where the system
 * does not tell).
 */
export function startReceiver({ starts, isSeparated = false, recvBufferBytes = RECV_BUFFER_BYTES }) {
  return startHelper('./receiver-entry.mjs', { starts, isSeparated, recvBufferBytes })
}
