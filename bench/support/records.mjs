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
 * A reader of a lossless stream: takes the records in order, and notes the time at each `1 / SEGMENTS` of them, so that the
 * rate is that of the median stretch and not of the machine's worst moment.
 */
export class InOrder {
  constructor(count, bytes) {
    this.count = count
    this.bytes = bytes
    this.next = 0
    this.segment = Math.ceil(count / SEGMENTS)
    this.nextMark = this.segment
    this.marks = []
    this.failure = ''
  }

  bytesIn = (record) => {
    if (numberOf(record) !== this.next || !isWhole(record, this.bytes)) this.fail(numberOf(record), record.length)
    if (++this.next === this.nextMark) this.mark()
  }

  textIn(text, at) {
    const number = numberOfText(text, at)
    if (number !== this.next || numberOfText(text, at + this.bytes - DIGITS) !== number) this.fail(number, this.bytes)
    if (++this.next === this.nextMark) this.mark()
  }

  mark() {
    this.marks.push(performance.now())
    this.nextMark += this.segment
  }

  fail(number, length) {
    if (this.failure === '') this.failure = `record ${this.next} came as ${number}, ${length} bytes`
    this.next = this.count // there is nothing more to wait for
  }

  get isDone() {
    return this.next >= this.count
  }

  /** Million records a second. Throws when one was lost, torn or out of turn. */
  result() {
    if (this.failure !== '') throw new Error(this.failure)
    if (this.next !== this.count) throw new Error(`${this.next} records of ${this.count} came`)
    const times = []
    for (let i = 2; i < this.marks.length; i++) times.push(this.marks[i] - this.marks[i - 1])
    times.sort((a, b) => a - b)
    const middle = times[times.length >> 1] ?? Number.NaN
    return { checked: this.next, rate: this.segment / middle / 1000 }
  }
}

const SEGMENTS = 24
