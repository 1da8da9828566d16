// P10: the metadata event sent again from where it lies, on the thread that sends it, beside a bare dgram send of the same bytes.
import { bytesPerCall } from '../support/allocation.mjs'
import { startReceiver } from '../support/receiver.mjs'
import { openSpillway } from '../support/spillway.mjs'
import { connect } from '../support/udp.mjs'

const METADATA = { service: 'checkout', version: '4.2.1', region: 'eu-central-1', labels: ['a', 'b', 'c'] }
const METADATA_START = '{"event":"agent_init",'

export const variants = {
  resend: (scale) => measure(scale, openResend),
  dgram: (scale) => measure(scale, openBare),
}

/**
 * One at a time: sent, a turn of the event loop, the kernel's answer. `ns`: how long the thread was busy for each, all that the
 * turn brings included; `bytes`: what each leaves on its heap.
 */
async function measure(scale, open) {
  const receiver = await startReceiver({ starts: METADATA_START })
  const { send, close } = await open(receiver.port)
  const calls = Math.max(500, Math.round(50_000 * scale))
  for (let i = 0; i < calls / 5; i++) await send()
  const before = performance.eventLoopUtilization()
  for (let i = 0; i < calls; i++) await send()
  const { active } = performance.eventLoopUtilization(before)
  const bytes = await bytesPerCall(send, {
    calls: 100,
    stretches: Math.max(20, Math.round(400 * scale)),
    warm: 20,
  })
  const { datagrams, marshalled } = await close()
  const got = await receiver.result()
  if (got.dropped !== undefined && got.datagrams + got.dropped !== datagrams) {
    throw new Error(`${datagrams} sent, ${got.datagrams} came, ${got.dropped} found the buffer full`)
  }
  return { ns: (active * 1e6) / calls, bytes, marshalled }
}

async function openBare(port) {
  const socket = await connect(port)
  const bytes = Buffer.from(`${METADATA_START}${JSON.stringify(METADATA).slice(1)}\n`)
  let datagrams = 0
  let answered
  const onSent = () => answered()
  return {
    send() {
      datagrams++
      socket.send(bytes, onSent)
      return new Promise((resolve) => (answered = resolve))
    },
    async close() {
      socket.close()
      return { datagrams, marshalled: 0 }
    },
  }
}

/** A pool of our own keeps the sockets, and all that the I/O thread does, on this thread. */
async function openResend(port) {
  let answered = () => {}
  const { exporter, close } = await openSpillway(port, {
    metadata: METADATA,
    heartbeatMs: false,
    pool: (context) => oneSocket(context, () => answered()),
  })
  await exporter.flush()
  const { misses } = exporter.stats().metadata
  return {
    send() {
      exporter.sendMetadata()
      return new Promise((resolve) => (answered = resolve))
    },
    async close() {
      const { datagrams } = await close()
      return { datagrams, marshalled: exporter.stats().metadata.misses - misses }
    },
  }
}

/** The least that a pool may be. Tells when the kernel has answered. */
function oneSocket(context, onAnswer) {
  const counts = { hits: 0, misses: 0, replaced: 0, size: 0 }
  const flows = []
  context.connect().then((socket) => {
    flows.push(context.flow(telling(socket, onAnswer)))
    counts.size = 1
    context.onReady()
  })
  return {
    counts,
    acquire: () => flows[0],
    report() {},
    flows: () => flows,
    close: () => flows[0]?.socket.close(),
  }
}

function telling(socket, onAnswer) {
  let sent
  const answered = (error) => {
    sent(error)
    onAnswer()
  }
  return {
    sendBufferBytes: socket.sendBufferBytes,
    localAddress: socket.localAddress,
    send(bytes, callback) {
      sent = callback // one at a time
      socket.send(bytes, answered)
    },
    close: () => socket.close(),
  }
}
