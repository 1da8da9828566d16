// What the cases send, and how a reader knows that it got all of it, whole and in order.

/** A JSON line of 243 bytes, as a logger writes it: all ASCII, as most lines are. */
export const LINE = makeLine(243)

function makeLine(bytes) {
  const event = {
    level: 30,
    time: 1795190400000,
    pid: 4242,
    hostname: 'spillway',
    reqId: 'a3f0c1d2-0b5e-4c6f-9a77-5d1e2f3a4b5c',
    method: 'GET',
    url: '/api/v1/orders?limit=50',
    statusCode: 200,
    responseTime: 12.34,
    msg: 'request completed',
    pad: '',
  }
  event.pad = 'x'.repeat(bytes - JSON.stringify(event).length)
  return JSON.stringify(event)
}

/** The bytes of a record; `stamp` numbers it. */
export function makeRecord(bytes) {
  return new Uint8Array(bytes).fill(0x61)
}

/** Writes the number at the front, and its low byte at the end. */
export function stamp(record, number) {
  record[0] = number
  record[1] = number >>> 8
  record[2] = number >>> 16
  record[3] = number >>> 24
  record[record.length - 1] = number
}

export function numberOf(record) {
  return (record[0] | (record[1] << 8) | (record[2] << 16) | (record[3] << 24)) >>> 0
}

export function isWhole(record, bytes) {
  return record.length === bytes && record[0] === record[bytes - 1]
}

const DIGITS = 8

/** The same for strings, in decimal digits: both ends. */
export function makeText(bytes) {
  return 'a'.repeat(bytes - 2 * DIGITS)
}

export function stampText(middle, number) {
  const digits = String(number).padStart(DIGITS, '0')
  return digits + middle + digits
}

export function numberOfText(text, at) {
  let number = 0
  for (let i = 0; i < DIGITS; i++) number = number * 10 + text.charCodeAt(at + i) - 48
  return number
}

/**
 * A reader of a lossless stream: takes the records in order, and measures from the first `WARM` of them to the last. (Not
 * stretch by stretch: a rival that delivers 4 MiB at a time would show only its reader's part.)
 */
export class InOrder {
  constructor(count, bytes) {
    this.count = count
    this.bytes = bytes
    this.next = 0
    this.warm = Math.floor(count * WARM)
    this.from = 0
    this.failure = ''
  }

  bytesIn = (record) => {
    if (numberOf(record) !== this.next || !isWhole(record, this.bytes))
      this.fail(numberOf(record), record.length)
    if (++this.next === this.warm) this.from = performance.now()
  }

  textIn(text, at) {
    const number = numberOfText(text, at)
    if (number !== this.next || numberOfText(text, at + this.bytes - DIGITS) !== number)
      this.fail(number, this.bytes)
    if (++this.next === this.warm) this.from = performance.now()
  }

  fail(number, length) {
    if (this.failure === '') this.failure = `record ${this.next} came as ${number}, ${length} bytes`
    this.next = this.count // there is nothing more to wait for
  }

  get isDone() {
    return this.next >= this.count
  }

  /** Million records a second. Throws when one was lost, torn or out of turn. Call it as soon as the last has come. */
  result() {
    const until = performance.now()
    if (this.failure !== '') throw new Error(this.failure)
    if (this.next !== this.count) throw new Error(`${this.next} records of ${this.count} came`)
    return { checked: this.next, rate: (this.count - this.warm) / (until - this.from) / 1000 }
  }
}

const WARM = 0.1
