/**
 * What exporter and collector say to each other over gudp beside lines: who a stream of messages is, and up to where it has come. docs/wire.md.
 *
 * @module
 */

export const STREAM_PREFIX = '{"event":"spillway.stream",'
const VERSION = 1
/** Ours are half as long. */
const LONGEST = 256

/** The first message of a connection of an exporter: its stream, and the number of the first message that was not acknowledged. */
export interface Hello {
  readonly stream: string
  readonly from: number
}

/** The answer: the number of the next message that is wanted; and whether the stream was known here. */
export interface Welcome {
  readonly stream: string
  readonly next: number
  readonly known: boolean
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function helloLine({ stream, from }: Hello): Uint8Array {
  return encoder.encode(`${STREAM_PREFIX}"v":${VERSION},"stream":"${stream}","from":${from}}\n`)
}

export function welcomeLine({ stream, next, known }: Welcome): Uint8Array {
  return encoder.encode(
    `${STREAM_PREFIX}"v":${VERSION},"stream":"${stream}","next":${next},"known":${known}}\n`,
  )
}

/** `undefined`: it is none, or of another version. */
export function readHello(bytes: Uint8Array): Hello | undefined {
  const given = read(bytes)
  if (given === undefined || !isName(given.stream) || !isNumber(given.from)) return undefined
  return { stream: given.stream, from: given.from }
}

export function readWelcome(bytes: Uint8Array): Welcome | undefined {
  const given = read(bytes)
  if (given === undefined || !isName(given.stream) || !isNumber(given.next)) return undefined
  return { stream: given.stream, next: given.next, known: given.known === true }
}

/** Nothing of what came from the network is taken as it is. */
function read(bytes: Uint8Array): Record<string, unknown> | undefined {
  if (bytes.length > LONGEST) return undefined
  for (let i = 0; i < STREAM_PREFIX.length; i++) {
    if (bytes[i] !== STREAM_PREFIX.charCodeAt(i)) return undefined
  }
  try {
    const given = JSON.parse(decoder.decode(bytes)) as Record<string, unknown>
    return given.v === VERSION ? given : undefined
  } catch {
    return undefined
  }
}

const isName = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value)
const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
