// Events from a worker, through a handle, to a collector. `deno run -A main.ts`
import { Collector } from 'spillway/collector'
import { UdpExporter } from 'spillway/udp'

let lines = 0
const collector = await Collector.open({
  transport: 'gudp',
  sink: (batch) => {
    lines += batch.count
  },
})
const { port } = collector.address()
const exporter = await UdpExporter.open({ host: '127.0.0.1', port, transport: 'gudp', metadata: false })

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
const finished = new Promise((resolve) => {
  worker.onmessage = ({ data }) => resolve(data)
})
worker.postMessage(exporter.handle)
console.log(`the worker has written ${await finished} events`)
worker.terminate()

await exporter.close()
await collector.close()
const { sent, dropped } = exporter.stats()
console.log({ sent, dropped, lines, lost: collector.stats().totals.lost })
if (sent !== 1000 || lines !== 1000) throw new Error('the ledger is not closed')
