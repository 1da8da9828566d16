// What the entry of a helper process needs: see helper.mjs.
import { writeSync } from 'node:fs'

export const options = JSON.parse(process.argv[2])

process.on('disconnect', () => process.exit(0)) // whoever started this is gone

/** Says `ready`; asked for the result, gives what `finish` answers and lets the process end. */
export function standBy(ready, finish) {
  process.once('message', async () => {
    const counted = await finish()
    process.send({ ...counted, cpuSeconds: cpuSeconds() }, () => process.disconnect())
  })
  process.send(ready)
}

/** For a program that ends by itself. To be called when everybody else has said what they do at the exit: this comes last. */
export function tellCpuAtExit() {
  process.on('exit', () => writeSync(1, String(cpuSeconds())))
}

function cpuSeconds() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
