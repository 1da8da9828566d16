// What the threads of exhibits write: text, so that a reader of raw memory sees at once whose it is, and where two are mixed.

const FIRST_LETTER = 65
const DIGITS = 4
/** A shorter event would not have its name in full. */
const WORD = 1 + DIGITS
export const MOST_EVENTS = 10 ** DIGITS - 1

export interface EventName {
  readonly writer: number
  readonly value: number
}

/** `B0007B0007B`: event 7 of writer 1, in so many bytes. */
export function bytesOfEvent({ writer, value }: EventName, bytes: number): number[] {
  const word = [
    FIRST_LETTER + writer,
    ...Array.from(String(value).padStart(DIGITS, '0'), (digit) => digit.charCodeAt(0)),
  ]
  return Array.from({ length: bytes }, (_, i) => word[i % WORD]!)
}

/** The event that all of the bytes are of. */
export function eventIn(bytes: readonly number[]): EventName | undefined {
  const text = String.fromCharCode(...bytes.slice(0, WORD))
  const match = /^([A-H])(\d{4})$/.exec(text)
  if (match === null) return undefined
  const event = { writer: match[1]!.charCodeAt(0) - FIRST_LETTER, value: Number(match[2]) }
  const whole = bytesOfEvent(event, bytes.length)
  return bytes.every((byte, i) => byte === whole[i]) ? event : undefined
}

/** `B7`. */
export function shortName({ writer, value }: EventName): string {
  return `${String.fromCharCode(FIRST_LETTER + writer)}${value}`
}
