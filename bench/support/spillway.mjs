// Our exporter, with the face that clients.mjs describes.
import { nextTurn } from './timing.mjs'
import { HOST } from './udp.mjs'

export async function openSpillway(port, options = {}) {
  const { UdpExporter } = await import('spillway/udp')
  const exporter = await UdpExporter.open({ host: HOST, port, ...options })
  return {
    exporter,
    offer: (event) => exporter.encode(event),
    pause: nextTurn,
    settle: () => exporter.flush(),
    async close() {
      await exporter.close()
      const stats = exporter.stats()
      checkLedger(stats)
      const refused = stats.offered - stats.sent
      return { sent: stats.sent, datagrams: stats.datagrams, refused }
    },
  }
}

/** After the end nothing is under way: each event was sent, or dropped for a reason. */
function checkLedger({ offered, sent, inRing, inFlight, dropped, ioRestarts }) {
  if (ioRestarts > 0) throw new Error(`the I/O thread died ${ioRestarts} times`)
  if (offered !== sent + dropped || inRing !== 0 || inFlight !== 0) {
    throw new Error(`${offered} offered: ${sent} sent, ${dropped} dropped, ${inRing} and ${inFlight} left`)
  }
}
