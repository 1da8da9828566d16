// P7: what a call leaves to the garbage collector of the thread that makes it.
import { bytesPerCall } from '../support/allocation.mjs'
import { arrived } from '../support/arrival.mjs'
import { eventOf, LINE_START, makeLine } from '../support/events.mjs'
import { startReceiver } from '../support/receiver.mjs'
import { openSpillway } from '../support/spillway.mjs'

/** A million calls; fewer at a time where each leaves its JSON behind. */
const sizes = (scale, calls = 2000) => ({ calls, stretches: Math.max(20, Math.round((1e6 * scale) / calls)) })
const FEW = 500

export const variants = {
  async stringify(scale) {
    let last = ''
    const bytes = await bytesPerCall(
      (i) => {
        last = JSON.stringify(eventOf(i))
      },
      sizes(scale, FEW),
    )
    if (last.length === 0) throw new Error('nothing was made')
    return { bytes }
  },
  encode: (scale) => allocatedBy(sizes(scale, FEW), (exporter, i) => exporter.encode(eventOf(i))),
  'write-bytes': (scale) => writeOf(scale, makeLine()),
  'write-string': (scale) => writeOf(scale, new TextDecoder().decode(makeLine())),
}

function writeOf(scale, line) {
  return allocatedBy(sizes(scale), (exporter) => exporter.write(line))
}

/** All in one turn of the event loop, so that nothing else of this thread comes between; the ring overflows, and drops. */
async function allocatedBy(size, call) {
  const receiver = await startReceiver({ starts: LINE_START })
  const { exporter, close } = await openSpillway(receiver.port)
  let offered = 0
  const bytes = await bytesPerCall((i) => {
    offered++
    call(exporter, i)
  }, size)
  const told = await close()
  arrived(offered, told, await receiver.result()) // checks; that most was dropped is what the case is made for
  return { bytes, calls: offered }
}
