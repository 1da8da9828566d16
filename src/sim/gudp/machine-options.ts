import type { LaneShape, MachineOptions } from '../../core/packet-machine.ts'

export const packetsLane = (bytes = 65_536, longest = bytes >> 1): LaneShape => ({
  kind: 'packets',
  inBytes: bytes,
  outBytes: bytes,
  longest,
})
export const streamLane = (bytes = 65_536, longest = bytes - 8): LaneShape => ({
  kind: 'stream',
  inBytes: bytes,
  outBytes: bytes,
  longest,
})

/** As the daemon's defaults are, but for the strategy. */
export const usualMachine: MachineOptions = {
  windowPackets: 256,
  isBare: false,
  fragmentBytes: 1100,
  packetBytes: 1187,
  reassemblyBytes: 2 * (32_768 + 1196),
  strategy: 'none',
  timeoutMs: 10_000,
  heartbeatMs: 3000,
  goodRate: 30,
  badRate: 10,
  rttLimitMs: 250,
  lanes: [packetsLane(), streamLane()],
}
