import type { AddressFamily, Endpoint } from '../../ports.ts'

/** What a client asks of the server, as JSON in the channel: everything that is rare. Bytes go through the rings. */
export type Question =
  | {
      readonly op: 'bind'
      readonly family: AddressFamily
      readonly host: string
      readonly port: number
      readonly options: Settings
    }
  | {
      readonly op: 'connect'
      readonly family: AddressFamily
      readonly host: string
      readonly port: number
      /** The address to come from, of a stream. */
      readonly local?: { readonly host: string; readonly port: number } | undefined
      readonly options: Settings
    }
  | { readonly op: 'disconnect' }
  | {
      readonly op: 'listen'
      readonly family: AddressFamily
      readonly host: string
      readonly port: number
      readonly backlog: number
      readonly options: Settings
    }
  /** On a new channel: to become the next connection of that listener. */
  | {
      readonly op: 'accept'
      readonly listener: number
      readonly generation: number
      readonly options: Settings
    }
  | { readonly op: 'set'; readonly options: Settings }

export type Answer =
  | {
      readonly local?: Endpoint | undefined
      readonly peer?: Endpoint | undefined
    }
  | Refusal

export interface Refusal {
  /** As the system says it. */
  readonly code: string
  readonly detail?: string | undefined
}

/** Options by their names: see options.ts. */
export type Settings = Readonly<Record<string, Setting>>

export type Setting = boolean | number | string | Membership

/** A multicast group, by which interface, and of which source. */
export interface Membership {
  readonly group: string
  readonly interface?: string | undefined
  readonly source?: string | undefined
}
