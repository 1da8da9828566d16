// The three kinds behind one shape, so that what is common is tested once.
import { ManyToOne, OneToMany, type OneToManyReader, OneToOne } from 'spillway'
import { ok } from '../support/harness.ts'

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
    const diode =
      kind === 'OneToOne' ? new OneToOne(capacity, alert, all) : new ManyToOne(capacity, alert, all)
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

/** The bytes of the shared memory that the diode lives in. */
export function memoryBytes(diode: Writer): number {
  const memory = Object.values(diode.handle).find((value) => value instanceof WebAssembly.Memory)
  ok(memory, 'the handle holds a WebAssembly.Memory')
  return (memory as WebAssembly.Memory).buffer.byteLength
}

/** Opens rings of a megabyte until memory has to grow for one; that is the newest. */
export function growMemory(): { newest: OneToOne; close: () => void } {
  const rings = [new OneToOne(16, null, { recordBytes: 65_536 })]
  const before = memoryBytes(rings[0]!)
  while (memoryBytes(rings[0]!) === before && rings.length < 500)
    rings.push(new OneToOne(16, null, { recordBytes: 65_536 }))
  const close = () => {
    for (const ring of rings) ring.close()
  }
  return { newest: rings.at(-1)!, close }
}
