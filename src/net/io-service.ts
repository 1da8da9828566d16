import type { Ports } from '../ports.ts'

/**
 * A service lives on the I/O thread and is opened, spoken to and closed from another one: an exporter's outlet, a collector,
 * later sockets and gudp. What is passed is structured-cloneable: settings and counts, never records.
 */
export interface Service {
  /** A message of the thread that opened it. */
  receive(message: unknown): void
  /** Puts away everything it holds. Idempotent. */
  close(): Promise<void>
}

export interface ServiceContext {
  readonly ports: Ports
  /** To the thread that opened it. */
  post(message: unknown): void
}

/** Rejects when it cannot be opened; the opener gets the same error, `code` and message. */
export type ServiceFactory<Options> = (options: Options, context: ServiceContext) => Promise<Service>

/** The opener's end of a service. */
export interface ServiceLink {
  post(message: unknown): void
  close(): Promise<void>
}

/** Where services run: a worker (`IoThread`), or, for sockets of the user's own, the calling thread. */
export interface ServiceHost {
  open(name: string, options: unknown, handlers: ServiceHandlers): Promise<ServiceLink>
}

export interface ServiceHandlers {
  onMessage(message: unknown): void
  /** Left out when nobody would hear it: then nothing is sent over. */
  onDebug?: ((text: string) => void) | undefined
  /** The thread is gone, and the service with it. */
  onLost(error: Error): void
}
