import type { UdpSocket } from '../../src/ports.ts'
import { SimulatedNetwork, seeded, type TraceEvent, VirtualClock } from '../../src/sim/network/index.ts'

/** With seed 7: pinned, so that no runtime and no change of the code makes another run of it unnoticed. */
export const SCENARIO_HASH = 0x31321bd2

/**
 * Three hosts, one of them behind a NAT, everything that a link can do, for ten seconds of the simulated clock. Without vitest: also for
 * browsers, which must come to the same hash.
 */
export async function runScenario(seed: number, trace?: (event: TraceEvent) => void) {
  const clock = new VirtualClock()
  const network = new SimulatedNetwork({
    seed,
    clock,
    link: {
      latencyMs: 12.5,
      jitterMs: 7.3,
      loss: 0.03,
      burst: { enter: 0.01, leave: 0.2, loss: 0.8 },
      duplicate: 0.02,
      reorder: 0.05,
      bytesPerSecond: 90_000,
      queueBytes: 8000,
      mtuBytes: 1400,
    },
    ...(trace === undefined ? {} : { trace }),
  })
  const nat = network.nat('203.0.113.9', ['192.168.0.2'])
  const random = seeded(seed).fork('traffic')
  const server = { host: '10.0.0.1', port: 4000 }
  let echo: UdpSocket
  const open = (host: string, port: number, onDatagram: (bytes: Uint8Array, a: string, p: number) => void) =>
    network
      .udpPort(host)
      .open({ family: 4, host: '0.0.0.0', port, settings: {}, onDatagram, onError: () => {} })
  echo = await open(server.host, server.port, (bytes, host, port) =>
    echo.send(bytes.slice(0, 100), { host, port }, () => {}),
  )
  const clients = [await open('10.0.0.2', 0, () => {}), await open('192.168.0.2', 0, () => {})]
  const endMs = clock.now() + 10_000
  const send = () => {
    const bytes = new Uint8Array(random.between(0, 1500)).fill(random.between(0, 255))
    random.pick(clients).send(bytes, server, () => {})
    if (clock.now() < endMs) clock.after(random.next() * 10, send)
  }
  send()
  clock.after(5000, () => nat.rebind())
  await clock.playUntil(endMs + 5000)
  return { hash: network.traceHash, counters: network.counters() }
}
