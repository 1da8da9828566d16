import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import process from 'node:process'
import { brotliCompressSync, deflateSync } from 'node:zlib'
import { SharedBytes, type SharedBytesHandle } from '../core/shared-bytes.ts'
import {
  checkCompression,
  checkFields,
  type MetadataCompression,
  type MetadataParts,
  metadataBytes,
  metadataEvent,
  UNKNOWN_HOSTNAME,
} from '../net/metadata.ts'
import { compressedDatagram } from '../net/wire-lines.ts'
import { readMetadataFile, writeMetadataFile } from './metadata-file.ts'

export interface MetadataRequest {
  readonly destination: string
  readonly bufferBytes: number
  /** The user's own. */
  readonly fields: unknown
  readonly compression?: MetadataCompression | false
  /** Where marshalled metadata outlives the process. */
  readonly file?: string
}

/** The datagram of metadata, for as long as it is held. */
export interface MetadataEntry {
  /** Where it lies in shared memory. */
  readonly handle: SharedBytesHandle | undefined
  /** Where no shared memory could be had: the datagram itself. */
  readonly bytes: Uint8Array | undefined
  readonly length: number
  readonly compression: MetadataCompression | undefined
  /** What it took to get it: 1 and 0 when it was there, 0 and 1 when it was made. */
  readonly hits: number
  readonly misses: number
  readonly ms: number
  /** Idempotent. Others who hold it keep it. */
  release(): void
}

export interface MetadataCacheStats {
  hits: number
  misses: number
  /** Spent in looking up and making. */
  ms: number
  /** What could not be cached, and was used all the same. */
  failures: number
  /** Kept, and bytes of it. */
  entries: number
  bytes: number
}

/** A line made otherwise from the same parts would be another format. */
const FORMAT = 1
const MOST_ENTRIES = 64

/** One datagram: its bytes, and, while anybody holds it, the same in shared memory. */
interface Kept {
  readonly bytes: Uint8Array
  shared: SharedBytes | undefined
  holders: number
}

/**
 * The metadata of all exporters of a thread, each marshalled (and compressed) once. Whatever fails here, there is a datagram to
 * send: it is then made afresh, and the failure counted.
 */
export class MetadataCache {
  readonly #readHostname: () => string
  readonly #kept = new Map<string, Kept>()
  readonly #counts = { hits: 0, misses: 0, ms: 0, failures: 0 }
  #hostname: string | undefined

  constructor(readHostname: () => string = hostname) {
    this.#readHostname = readHostname
  }

  /** The datagram for such metadata. Throws `ERR_INVALID_ARGUMENT` for fields that are not JSON. */
  get(request: MetadataRequest): MetadataEntry {
    const startedMs = performance.now()
    const compression = checkCompression(request.compression)
    const parts = this.#partsOf(request)
    const key = keyOf(parts, compression)
    const known = this.#kept.get(key)?.bytes ?? this.#read(request.file, key)
    const bytes = known ?? make(parts, compression)
    if (known === undefined) this.#write(request.file, key, bytes)
    const kept = this.#keep(key, bytes)
    const shared = kept && this.#hold(kept)
    const [hits, misses] = known === undefined ? [0, 1] : [1, 0]
    const ms = performance.now() - startedMs
    this.#count(hits, misses, ms)
    return {
      handle: shared?.handle,
      bytes: shared === undefined ? bytes : undefined,
      length: bytes.length,
      compression,
      hits,
      misses,
      ms,
      release: once(() => {
        if (kept !== undefined && shared !== undefined) drop(kept)
      }),
    }
  }

  stats(): MetadataCacheStats {
    let bytes = 0
    for (const kept of this.#kept.values()) bytes += kept.bytes.length
    return { ...this.#counts, entries: this.#kept.size, bytes }
  }

  #partsOf({ destination, bufferBytes, fields }: MetadataRequest): MetadataParts {
    this.#hostname ??= this.#askHostname()
    return {
      destination,
      bufferBytes,
      fields: checkFields(fields),
      hostname: this.#hostname,
      os: process.platform,
    }
  }

  /** Deno asks for a permission; elsewhere, too, it is only a system call. */
  #askHostname(): string {
    try {
      return this.#readHostname() || UNKNOWN_HOSTNAME
    } catch {
      return UNKNOWN_HOSTNAME
    }
  }

  #read(file: string | undefined, key: string): Uint8Array | undefined {
    return file === undefined ? undefined : readMetadataFile(file, key)
  }

  #write(file: string | undefined, key: string, bytes: Uint8Array): void {
    if (file === undefined) return
    try {
      writeMetadataFile(file, key, bytes)
    } catch {
      this.#counts.failures++
    }
  }

  /** Puts it last, where what is used stays longest; what nobody holds goes first. */
  #keep(key: string, bytes: Uint8Array): Kept | undefined {
    const kept = this.#kept.get(key) ?? { bytes, shared: undefined, holders: 0 }
    this.#kept.delete(key)
    if (this.#kept.size >= MOST_ENTRIES && !this.#evict()) {
      this.#counts.failures++
      return undefined
    }
    this.#kept.set(key, kept)
    return kept
  }

  #evict(): boolean {
    for (const [key, { holders }] of this.#kept) {
      if (holders === 0) return this.#kept.delete(key)
    }
    return false
  }

  #hold(kept: Kept): SharedBytes | undefined {
    try {
      kept.shared ??= share(kept.bytes)
    } catch {
      this.#counts.failures++ // there is no shared memory left
      return undefined
    }
    kept.holders++
    return kept.shared
  }

  #count(hits: number, misses: number, ms: number): void {
    this.#counts.hits += hits
    this.#counts.misses += misses
    this.#counts.ms += ms
  }
}

/** Every exporter that this thread opens takes from here. */
export const metadataCache: MetadataCache = new MetadataCache()

function make(parts: MetadataParts, compression: MetadataCompression | undefined): Uint8Array {
  const line = metadataBytes(metadataEvent(parts))
  if (compression === undefined) return line
  const compressed = compression === 'deflate' ? deflateSync(line) : brotliCompressSync(line)
  return compressedDatagram(compression, compressed)
}

/** What it is made from, digested: fields that have changed are another key, so that nothing has to be invalidated. */
function keyOf(parts: MetadataParts, compression: MetadataCompression | undefined): string {
  const from = JSON.stringify([FORMAT, parts, compression])
  return createHash('sha256').update(from).digest('hex')
}

function share(bytes: Uint8Array): SharedBytes {
  const shared = SharedBytes.create(bytes.length)
  shared.view(0, bytes.length).set(bytes)
  return shared
}

/** Nobody here holds it any more: the memory goes when the I/O thread, too, has left. The bytes stay, for the next time. */
function drop(kept: Kept): void {
  if (--kept.holders > 0) return
  kept.shared?.leave()
  kept.shared = undefined
}

function once(call: () => void): () => void {
  let isDone = false
  return () => {
    if (isDone) return
    isDone = true
    call()
  }
}
