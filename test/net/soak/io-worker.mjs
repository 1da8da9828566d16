// The I/O thread, which also tells how much of its heap is in use.
import { getHeapStatistics } from 'node:v8'
import { BroadcastChannel } from 'node:worker_threads'
import 'spillway/io-worker'

const channel = new BroadcastChannel('heap of the I/O thread')
channel.unref()
channel.onmessage = ({ data }) => {
  if (data !== 'asked') return
  globalThis.gc()
  channel.postMessage(getHeapStatistics().used_heap_size)
}
