import type { Endpoint } from '../../ports.ts'
import type { Settings } from './questions.ts'

/** Protocol and family. */
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
  /** All that was set, and whether it was shut down. */
  readonly options: Settings
  readonly isShutForReading: boolean
  readonly isShutForWriting: boolean
  readonly local: Endpoint | undefined
  readonly peer: Endpoint | undefined
}
