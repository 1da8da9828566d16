// Takes what comes over one gudp connection, and counts it.
import { GudpDaemon } from 'spillway/gudp'
import { options, standBy } from './helper-end.mjs'

const BYTES = 200
const counted = { received: 0, odd: 0, seconds: 0 }
let firstAt = 0

const daemon = await GudpDaemon.start()
const listener = await daemon.listen({
  ...options.options,
  port: 0,
  onConnection: (connection) => void take(connection),
})
standBy({ port: listener.address().port }, async () => {
  await daemon.stop()
  return counted
})

async function take(connection) {
  const from = options.isReliable ? connection.messages.reliable : connection
  for (
    let bytes = await from.recv();
    bytes !== undefined;
    bytes = from.recvSync({ timeoutMs: 0 }) ?? (await from.recv())
  ) {
    if (counted.received++ === 0) firstAt = performance.now()
    if (bytes.length !== BYTES) counted.odd++
    if (counted.received % 64 === 0 || counted.received === options.count)
      counted.seconds = (performance.now() - firstAt) / 1000
  }
}
