// The three kinds behind one shape, so that what is common is tested once.
import { ManyToOne, OneToMany, type OneToManyReader, OneToOne } from 'spillway'

export type Kind = 'OneToOne' | 'ManyToOne' | 'OneToMany'
export type Policy = 'drop-oldest' | 'drop-newest'
export type Alert = (missed: number) => void

export type Writer = OneToOne | ManyToOne | OneToMany
export type Reader = OneToOne | ManyToOne | OneToManyReader
export type Stats = ReturnType<OneToOne['stats']>
export type Handle = Writer['handle']

export const kinds: readonly Kind[] = ['OneToOne', 'ManyToOne', 'OneToMany']
export const policies: readonly Policy[] = ['drop-oldest', 'drop-newest']

export interface Options {
  policy?: Policy
  recordBytes?: number
  maxWriters?: number
}

/** Both ends of a diode in this thread. For one-to-one and many-to-one they are one object. */
export interface Pair {
  writer: Writer
  reader: Reader
  close(): void
}

export type Build = (capacity: number, alert?: Alert | null, options?: Options) => Pair

export function classOf(kind: Kind): typeof OneToOne | typeof ManyToOne | typeof OneToMany {
  return { OneToOne, ManyToOne, OneToMany }[kind]
}

/** Opens a diode of that kind, and a reader on it. */
export const builderOf =
  (kind: Kind, policy: Policy): Build =>
  (capacity, alert = null, options = {}) => {
    const all = { policy, ...options }
    if (kind === 'OneToMany') {
      const writer = new OneToMany(capacity, null, all)
      const reader = writer.poller(alert)
      const close = () => {
        reader.close()
        writer.close()
      }
      return { writer, reader, close }
    }
    const diode = kind === 'OneToOne' ? new OneToOne(capacity, alert, all) : new ManyToOne(capacity, alert, all)
    return { writer: diode, reader: diode, close: () => diode.close() }
  }

/** Runs `fn` on a fresh pair and closes it, whatever happens. */
export async function withPair<T>(pair: Pair, fn: (pair: Pair) => T | Promise<T>): Promise<T> {
  try {
    return await fn(pair)
  } finally {
    pair.close()
  }
}

/** Reads all that is there. */
export function readAll(reader: Reader): Uint8Array[] {
  const records: Uint8Array[] = []
  for (let record = reader.tryNext(); record; record = reader.tryNext()) records.push(record)
  return records
}
