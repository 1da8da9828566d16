// G9: from the event to the collector's sink, over gudp (acknowledged, each once) and over UDP. Flat out, in one run of the ring after the other.
import { UdpExporter } from 'spillway/udp'
import { eventOf } from '../support/events.mjs'
import { startHelper } from '../support/helper.mjs'

/** Half of what the exporter's ring holds by default. */
const BATCH = 4096
const SECRET = 'a secret of the bench, which is none'

export const variants = {
  udp: (scale) => flatOut(scale, {}),
  gudp: (scale) => flatOut(scale, { transport: 'gudp' }),
  'gudp-sealed': (scale) => flatOut(scale, { transport: 'gudp', gudp: { secure: { secret: SECRET } } }),
}

/** `rate`: thousand a second that were flushed. `lost`: the share that never came to the collector. `arrived`: thousand a second that did. */
async function flatOut(scale, options) {
  const count = Math.max(2 * BATCH, Math.round(1_000_000 * scale))
  const collector = await startHelper('./collector-entry.mjs', options)
  const exporter = await UdpExporter.open({
    host: '127.0.0.1',
    port: collector.port,
    metadata: false,
    ...options,
  })
  const send = async (from, to) => {
    for (let i = from; i < to; i++) {
      exporter.encode(eventOf(i))
      if (i % BATCH === BATCH - 1) await exporter.flush({ timeoutMs: 30_000 })
    }
    await exporter.flush({ timeoutMs: 30_000 })
  }
  const warmUp = count >> 2
  await send(0, warmUp)
  const startedMs = performance.now()
  await send(warmUp, count)
  const seconds = (performance.now() - startedMs) / 1000
  await exporter.close()
  const { sent, dropped } = exporter.stats()
  const { received, inOrder } = await collector.result()
  if (sent + dropped !== count) throw new Error(`${sent} sent, ${dropped} dropped, of ${count}`)
  if (options.transport === 'gudp' && (received !== sent || !inOrder))
    throw new Error(`${received} received of ${sent}, in order: ${inOrder}`)
  const rate = (count - warmUp) / seconds / 1000
  const lost = 1 - received / count
  return { rate, lost, arrived: rate * (1 - lost) }
}
