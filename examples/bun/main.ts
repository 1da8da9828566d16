// The program never waits, whatever the network does: the ring keeps the latest, and counts what it had to let go. `bun main.ts`
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

const exporter = await UdpExporter.open({
  host: '127.0.0.1',
  port,
  transport: 'gudp',
  metadata: false,
  capacity: 1000,
})
const began = performance.now()
for (let i = 0; i < 100_000; i++) exporter.encode({ event: 'login', user: i })
const ms = performance.now() - began
await exporter.close()
await collector.close()

const { offered, sent, dropped } = exporter.stats()
console.log(`100,000 events offered in ${ms.toFixed(0)} ms`, { offered, sent, dropped, lines })
if (sent + dropped !== offered || lines !== sent) throw new Error('the ledger is not closed')
