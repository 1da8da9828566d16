// What the entry of a helper process needs: see helper.mjs.

export const options = JSON.parse(process.argv[2])

process.on('disconnect', () => process.exit(0)) // whoever started this is gone

/** Says `ready`; asked for the result, gives what `finish` answers and lets the process end. */
export function standBy(ready, finish) {
  process.once('message', async () => {
    const counted = await finish()
    const { user, system } = process.cpuUsage()
    process.send({ ...counted, cpuSeconds: (user + system) / 1e6 }, () => process.disconnect())
  })
  process.send(ready)
}
