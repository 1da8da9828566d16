/**
 * A network in which everything follows from a seed: latency, jitter, loss, bursts, doubles, reordering, bottlenecks, NAT.
 *
 * ```ts
 * const clock = new VirtualClock()
 * const network = new SimulatedNetwork({ seed: 7, clock, link: { latencyMs: 40, jitterMs: 5, loss: 0.02 } })
 * const server = simulatedPorts(network, '10.0.0.1')     // for a service
 * const client = network.udpPort('10.0.0.2')             // or its sockets only
 * network.link('10.0.0.2', '10.0.0.1').set({ bytesPerSecond: 125_000 })
 * await clock.playUntil(() => isConnected)
 * network.traceHash                                      // the same for the same seed
 * ```
 */
export { type Burst, type Fate, Link, type LinkCounters, type LinkOptions } from './link.ts'
export type { Nat, NatOptions } from './nat.ts'
export {
  type NetworkCounters,
  type NetworkOptions,
  SimulatedNetwork,
  type TracedFate,
  type TraceEvent,
} from './network.ts'
export { NetworkError } from './network-error.ts'
export type { Place } from './place.ts'
export { type SimulatedPortsOptions, simulatedPorts } from './ports.ts'
export { type Random, seeded } from './random.ts'
export { VirtualClock } from './virtual-clock.ts'
