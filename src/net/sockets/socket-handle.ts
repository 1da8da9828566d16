import type { Endpoint } from '../../ports.ts'

export type SocketKind = 'udp4' | 'udp6' | 'tcp4' | 'tcp6'

/** A socket on its way from a thread to another, as file descriptors go between processes. Structured-cloneable. */
export interface SocketHandle {
  readonly kind: SocketKind
  readonly state: 'bound' | 'connected' | 'listening'
  readonly index: number
  readonly address: number
  readonly generation: number
  /** The token of the thread that lets it go. */
  readonly owner: number
  readonly local: Endpoint | undefined
  readonly peer: Endpoint | undefined
}
