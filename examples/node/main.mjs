// Exporter and collector in one program: what goes in at one end comes out at the other, and the ledger says so. `node main.mjs`
import { Collector } from 'spillway/collector'
import { UdpExporter } from 'spillway/udp'

const lines = []
const collector = await Collector.open({ transport: 'gudp', sink: (batch) => void lines.push(...batch) })
const { port } = collector.address()

const exporter = await UdpExporter.open({ host: '127.0.0.1', port, transport: 'gudp', metadata: false })
for (let i = 0; i < 1000; i++) exporter.encode({ event: 'login', user: i })
await exporter.close()
await collector.close()

const { offered, sent, dropped } = exporter.stats()
const { received, lost } = collector.stats().totals
console.log({ offered, sent, dropped, received, lost, lines: lines.length })
if (sent !== 1000 || received !== 1000 || lost !== 0) throw new Error('the ledger is not closed')
