// P14: thousands of connections with nothing to say but that they are there.
import { GudpDaemon } from 'spillway/gudp'
import { startHelper } from '../support/helper.mjs'
import { coreDuring, seconds } from '../support/idle.mjs'

const MIN = 100
/** What the start left to be tidied up is. */
const SETTLED_S = 4
/**
 * Two rounds of pings: connections that came together ask together, every five seconds, and nothing happens between. So it is the mean that
 * counts, and over whole rounds.
 */
const LOOKED_AT_S = 10
/** Small ones: what is measured is what a connection costs beside them. */
const BUFFERS = { channels: [], packetBufferBytes: 2048, windowPackets: 32 }
/** 56 bytes for each packet of the window. */
const BUFFER_BYTES = 2 * BUFFERS.packetBufferBytes + 56 * BUFFERS.windowPackets

export const variants = { idle }

/**
 * `core`: percent of one that the server's process takes, the kernel's share with it. `kibEach`: what the process has grown by, a connection, less its buffers:
 * shared memory and heap of both threads, the user's own object with it. `pings`: answered or asked in the time, a connection and second.
 */
async function idle(scale) {
  const count = Math.max(MIN, Math.round(10_000 * Math.min(1, scale * 2.5)))
  const daemon = await GudpDaemon.start({ maxConnections: count + 64 })
  const connections = []
  const rate = { perSecond: 20_000, burst: 40_000 }
  const limits = { unproven: rate, proven: rate }
  let whenAll
  const all = new Promise((resolve) => {
    whenAll = resolve
  })
  const listener = await daemon.listen({
    ...BUFFERS,
    port: 0,
    maxConnections: count,
    limits,
    onConnection: (connection) => {
      connections.push(connection)
      if (connections.length === count) whenAll()
    },
  })
  const before = process.memoryUsage.rss()
  const clients = await startHelper('./gudp-clients-entry.mjs', {
    port: listener.address().port,
    count,
    buffers: BUFFERS,
  })
  await all
  await seconds(SETTLED_S)
  const grown = process.memoryUsage.rss() - before
  const heard = await daemon.stats()
  const from = performance.now()
  const core = await coreDuring(LOOKED_AT_S)
  const now = await daemon.stats()
  const took = (performance.now() - from) / 1000
  if (now.connections !== count) throw new Error(`${now.connections} of ${count} connections are left`)
  await clients.result()
  await daemon.stop()
  return {
    core,
    connections: count,
    kibEach: Math.max(0, grown / count - BUFFER_BYTES) / 1024,
    pings: (now.received - heard.received) / count / took,
  }
}
