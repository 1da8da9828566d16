// A collector of its own process: lines go to a file, at once. Port and file are given; says the port that it has.
import { appendFileSync } from 'node:fs'
import process from 'node:process'
import { Collector } from 'spillway/collector'

const [port, file, options = '{}'] = process.argv.slice(2)
const collector = await Collector.open({
  transport: 'gudp',
  port: Number(port),
  sink: (lines) => appendFileSync(file, lines.bytes),
  ...JSON.parse(options),
})
process.stdout.write(`${collector.address().port}\n`)
process.on('SIGTERM', async () => {
  await collector.close()
  process.stdout.write(`${JSON.stringify(collector.stats())}\n`)
})
