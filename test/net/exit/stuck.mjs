// Two exporters. The I/O thread of the first is stuck for good, so that nobody sends what it has; the second has a healthy one.
import process from 'node:process'
import { IoThread, UdpExporter } from 'spillway/udp'
import { burst, LONG_MS, openOptions, sayEnding, sleep, task, throwOnPurpose } from './common.mjs'

const ends = {
  return: () => {},
  'process.exit': () => process.exit(0),
  throw: throwOnPurpose,
  close: () => stuck.close(),
  // Drained at the signal, and once more at the exit.
  'SIGTERM, own handler calls process.exit': () => {
    process.once('SIGTERM', () => process.exit(0))
    process.kill(process.pid, 'SIGTERM')
    return sleep(LONG_MS)
  },
}

const ioThread = IoThread.start({ url: new URL('./stuck-io-worker.mjs', import.meta.url) })
const quiet = { metadata: false, heartbeatMs: false }
const stuck = await UdpExporter.open({ ...openOptions, ...quiet, ioThread, closeTimeoutMs: 500 })
const healthy = await UdpExporter.open(openOptions)
stuck.sendMetadata()
stuck.encode({ event: 'never sent' })
burst(healthy)
sayEnding()
await ends[task.end]()
