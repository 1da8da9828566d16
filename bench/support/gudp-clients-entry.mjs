// Many connections from one process, which say nothing.
import { GudpDaemon } from 'spillway/gudp'
import { options, standBy } from './helper-end.mjs'
import { HOST } from './udp.mjs'

const AT_ONCE = 100

const daemon = await GudpDaemon.start({ maxConnections: options.count + 64 })
let left = options.count
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) {
      await daemon.connect({
        ...options.buffers,
        host: HOST,
        port: options.port,
        connectTimeoutMs: 20_000,
        socketBufferBytes: 8192,
      })
    }
  }),
)
standBy({}, async () => {
  await daemon.stop()
  return {}
})
