import { invalid } from '../core/check.ts'
import { type Codec, METADATA_PREFIX } from './wire-lines.ts'

export const EVENT_AGENT_INIT = 'agent_init'
export const UPTIME_INIT = 'initialized at 0'
export const OS_LINUX = 'linux'
export const OS_DARWIN = 'darwin'
export const OS_WINDOWS = 'windows'
export const UNKNOWN_HOSTNAME = 'unknown'

/** A line of metadata goes in one datagram, and this is the longest that there is (over IPv4). */
const LONGEST_LINE_BYTES = 65_507

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** What the metadata event is made from. */
export interface MetadataParts {
  /** `address:port` that the exporter sends to. */
  readonly destination: string
  /** Send buffer as asked for; 0: as the system has it. */
  readonly bufferBytes: number
  /** The user's own, as `checkFields` made them. */
  readonly fields: JsonObject
  readonly hostname: string
  /** As the runtime calls it. */
  readonly os: string
}

export interface MetadataEvent extends JsonObject {
  readonly event: typeof EVENT_AGENT_INIT
}

/** A receiver tells metadata by its first bytes (docs/wire.md): `event` comes first, and is not the user's to change. */
export function metadataEvent(parts: MetadataParts): MetadataEvent {
  const { event: _, ...fields } = parts.fields
  return {
    event: EVENT_AGENT_INIT,
    os: osName(parts.os),
    uptime: UPTIME_INIT,
    hostname: parts.hostname,
    udp_destination: parts.destination,
    udp_buffer_size: parts.bufferBytes,
    ...fields,
  }
}

/** The line on the wire, with its newline. */
export function metadataLine(event: MetadataEvent): string {
  // A name such as "7" would come before all others, whatever was put first: so `event` is not left to JSON.stringify.
  const { event: _, ...rest } = event
  return `${METADATA_PREFIX}${JSON.stringify(rest).slice(1)}\n`
}

function osName(platform: string): string {
  switch (platform) {
    case 'win32':
      return OS_WINDOWS
    case 'darwin':
      return OS_DARWIN
    case 'linux':
      return OS_LINUX
    default:
      return platform
  }
}

/** The user's fields as JSON has them: a copy that can be passed to other threads and does not change any more. */
export function checkFields(fields: unknown): JsonObject {
  const json = jsonOf(fields)
  const copy: unknown = json === undefined ? undefined : JSON.parse(json)
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy))
    throw invalid('metadata must be an object of fields, or false')
  return copy as JsonObject
}

function jsonOf(fields: unknown): string | undefined {
  try {
    return JSON.stringify(fields)
  } catch (cause) {
    throw invalid(`metadata cannot be written as JSON (${reasonOf(cause)}): leave such fields out`, { cause })
  }
}

/** The first line of it: Node draws a picture of a cycle. */
function reasonOf(cause: unknown): string {
  return String(cause instanceof Error ? cause.message : cause).split('\n', 1)[0]!
}

/** The bytes of the line. */
export function metadataBytes(event: MetadataEvent): Uint8Array {
  const bytes = new TextEncoder().encode(metadataLine(event))
  if (bytes.length > LONGEST_LINE_BYTES) {
    throw invalid(
      `metadata takes ${bytes.length} bytes, and a datagram holds ${LONGEST_LINE_BYTES}: give fewer fields`,
    )
  }
  return bytes
}

// ---- compressed, towards our own collector ---------------------------------------------------------------

export type MetadataCompression = Codec

export function checkCompression(given: unknown): MetadataCompression | undefined {
  if (given === undefined || given === false) return undefined
  if (given === 'deflate' || given === 'brotli') return given
  throw invalid(`metadataCompression must be 'deflate', 'brotli' or false, not ${String(given)}`)
}
