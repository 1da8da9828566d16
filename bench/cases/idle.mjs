// P11: a process with an exporter that has nothing to do, beside one that has none.

import { LINE_START } from '../support/events.mjs'
import { lookIdle, seconds } from '../support/idle.mjs'
import { startReceiver } from '../support/receiver.mjs'
import { openSpillway } from '../support/spillway.mjs'
import { start } from '../support/threads.mjs'

export const variants = {
  empty: (scale) => idle(scale, async () => {}),

  /** What any worker costs. */
  worker: (scale) =>
    idle(scale, async () => {
      await start(import.meta.url, 'sleeper', {}).hears('ready')
    }),

  /** One that has sent what there was, and sleeps. */
  exporter: async (scale) => {
    const receiver = await startReceiver({ starts: LINE_START })
    return idle(scale, async () => {
      const { exporter } = await openSpillway(receiver.port)
      exporter.encode({ seq: 1 })
      await exporter.flush()
      return exporter
    })
  },
}

/** `core` and `most`: see `lookIdle`. `rssMiB`: how much the process has grown by what was opened, rings that nothing is in not among it. */
async function idle(scale, open) {
  const before = process.memoryUsage.rss()
  const opened = await open()
  await seconds(0.2)
  const rss = process.memoryUsage.rss() - before
  const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const looks = await lookIdle(scale)
  if (opened !== undefined && opened.stats().sent !== 1) throw new Error('the exporter was not idle')
  return { ...looks, rssMiB: Math.max(0, rss) / 2 ** 20, timers }
}

export const threads = {
  sleeper(_data, say) {
    setInterval(() => {}, 0x7fffffff)
    say('ready')
  },
}
