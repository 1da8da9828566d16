// P8: ready lines as fast as they go, packed into datagrams: by the I/O thread, or by hand in one thread. Nothing is lost on our side.
import { arrived } from '../support/arrival.mjs'
import { Packer } from '../support/clients.mjs'
import { LINE_BYTES, LINE_START, makeLine, stampLine } from '../support/events.mjs'
import { startReceiver } from '../support/receiver.mjs'
import { openSpillway } from '../support/spillway.mjs'
import { connect, drained } from '../support/udp.mjs'

/** An Ethernet frame and a jumbo frame, less what is theirs. */
const DATAGRAM_BYTES = [1432, 8932]
const BATCH = 8192
/** The ring holds so many; beyond half of it the writer has a rest, so that the I/O thread always finds some. */
const CAPACITY = 8 * BATCH
/** By hand: datagrams between two looks whether the kernel has taken them. */
const PER_LOOK = 512

export const variants = {}

for (const datagramBytes of DATAGRAM_BYTES) {
  variants[`spillway-${datagramBytes}`] = (scale) => measure(scale, bySpillway(datagramBytes))
  variants[`by-hand-${datagramBytes}`] = (scale) => measure(scale, byHand(datagramBytes))
}

const counted = (scale) => Math.max(20_000, Math.round(2e6 * scale))

/** `rate`: million lines a second that the kernel has taken. `receivedRate`: that a Node receiver keeps up with, on what is left of the machine. */
async function measure(scale, open) {
  const receiver = await startReceiver({ starts: LINE_START })
  const { send, close } = await open(receiver.port)
  await send(counted(0))
  const count = counted(scale)
  const from = performance.now()
  await send(count)
  const seconds = (performance.now() - from) / 1000
  const told = await close()
  const got = await receiver.result()
  if (got.bytes !== got.lines * (LINE_BYTES + 1)) throw new Error(`${got.lines} lines are ${got.bytes} bytes`)
  const outcome = arrived(count + counted(0), told, got)
  return { rate: count / seconds / 1e6, receivedRate: got.lines / got.seconds / 1e6, ...outcome }
}

/** Batches, as long as the ring has room for them: it is never full, and refuses nothing. */
function bySpillway(maxDatagramBytes) {
  return async (port) => {
    const { exporter, close } = await openSpillway(port, {
      maxDatagramBytes,
      capacity: CAPACITY,
      recordBytes: LINE_BYTES + 2,
      policy: 'drop-newest',
      metadata: false,
      heartbeatMs: false,
    })
    const line = makeLine()
    const send = async (count) => {
      for (let i = 0; i < count; i++) {
        stampLine(line, i)
        if (!exporter.write(line)) throw new Error(`line ${i} was refused`)
        if (i % BATCH === BATCH - 1) await roomIn(exporter)
      }
      await exporter.flush()
    }
    return { send, close }
  }
}

async function roomIn(exporter) {
  while (exporter.stats().queue.depth > CAPACITY / 2) await new Promise((resolve) => setTimeout(resolve, 1))
}

function byHand(datagramBytes) {
  return async (port) => {
    const packer = new Packer(await connect(port), datagramBytes, PER_LOOK + 1)
    const line = makeLine()
    let sent = 0
    const send = async (count) => {
      let look = packer.datagrams + PER_LOOK
      for (let i = 0; i < count; i++) {
        stampLine(line, i)
        packer.bytes(line)
        if (packer.datagrams < look) continue
        await drained(packer.socket)
        look = packer.datagrams + PER_LOOK
      }
      packer.send()
      await drained(packer.socket)
      sent += count
    }
    const close = async () => {
      packer.socket.close()
      return { sent, datagrams: packer.datagrams }
    }
    return { send, close }
  }
}
