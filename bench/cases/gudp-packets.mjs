// P14: packets of 200 bytes from one process to another over loopback, as fast as they go.
import { GudpDaemon } from 'spillway/gudp'
import { arrived } from '../support/arrival.mjs'
import { startHelper } from '../support/helper.mjs'
import { startReceiver } from '../support/receiver.mjs'
import { connect as connectDgram, drained, HOST } from '../support/udp.mjs'

const START = 'a datagram'
const BYTES = 200
const PER_LOOK = 512
const counted = (scale) => Math.max(2000, Math.round(400_000 * scale))
/** Enough for the daemon to go on while the program makes more. */
const BUFFER_BYTES = 1 << 20

export const variants = {
  packets: (scale) => byGudp(scale, {}),
  'packets-sealed': (scale) => byGudp(scale, { secure: { secret: 'a secret that is long enough' } }),
  messages: (scale) => byGudp(scale, { isReliable: true }),
  dgram: byDgram,
}

/** `rate`: thousand a second on the receiver's clock, from the first to the last that came. */
async function byGudp(scale, { secure, isReliable = false }) {
  const options = {
    secure,
    channels: ['reliable'],
    congestion: 'none',
    packetBufferBytes: BUFFER_BYTES,
    channelBufferBytes: BUFFER_BYTES,
  }
  const count = counted(scale)
  const sink = await startHelper('./gudp-sink-entry.mjs', { options, isReliable, count })
  const daemon = await GudpDaemon.start()
  const connection = await daemon.connect({ ...options, host: HOST, port: sink.port })
  const out = isReliable ? connection.messages.reliable : connection
  const payload = Buffer.from(START.padEnd(BYTES, '.'))
  for (let i = 0; i < count; i++) if (!out.send(payload)) await out.sendWhenRoom(payload)
  await connection.flush({ timeoutMs: 10_000 })
  const { packetsSent, packetsLost } = connection.stats()
  const got = await sink.result()
  await daemon.stop()
  if (got.received > count || got.odd > 0)
    throw new Error(`${got.received} came of ${count}, ${got.odd} of them not whole`)
  if (isReliable && got.received !== count)
    throw new Error(`${count - got.received} reliable messages are lost`)
  return {
    rate: got.received / got.seconds / 1000,
    lost: (count - got.received) / count,
    again: packetsLost / packetsSent,
  }
}

async function byDgram(scale) {
  const receiver = await startReceiver({ starts: START })
  const socket = await connectDgram(receiver.port)
  const payload = Buffer.from(`${START.padEnd(BYTES - 1, '.')}\n`)
  const count = counted(scale)
  for (let i = 1; i <= count; i++) {
    socket.send(payload)
    if (i % PER_LOOK === 0) await drained(socket)
  }
  await drained(socket)
  socket.close()
  const got = await receiver.result()
  return { rate: got.datagrams / got.seconds / 1000, ...arrived(count, { datagrams: count }, got) }
}
