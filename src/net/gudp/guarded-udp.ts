import type { UdpPort } from '../../ports.ts'

export interface UdpGuard {
  /** Whether the datagram may go on. */
  admits(address: string, port: number): boolean
  /** Something has come, and has been dealt with. */
  onDone(): void
}

/** Sockets whose datagrams are looked at before anything else does. */
export function guardedUdp(udp: UdpPort, guard: UdpGuard): UdpPort {
  return {
    keepsOrder: udp.keepsOrder,
    open: (options) =>
      udp.open({
        ...options,
        onDatagram(bytes, address, port) {
          if (guard.admits(address, port)) options.onDatagram(bytes, address, port)
          guard.onDone()
        },
      }),
  }
}
