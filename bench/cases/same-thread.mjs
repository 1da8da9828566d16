// P2: a record in and out again in one thread, a copy each way: the bare cost of the structure.
import { RingBuffer } from 'ringbuf.js'
import { ManyToOne, OneToOne } from 'spillway'
import { makeRecord, numberOf, stamp } from '../support/records.mjs'
import { timeCalls } from '../support/timing.mjs'

const SIZES = [64, 256]
const CAPACITIES = [1024, 65536]
const batches = (scale) => ({ calls: 2000, batches: Math.max(5, Math.round(250 * scale)) })

export const variants = {}

for (const bytes of SIZES) {
  for (const capacity of CAPACITIES) {
    const shape = `${bytes}-${capacity}`
    variants[`next-${shape}`] = (scale) =>
      oneByOne(new OneToOne(capacity, null, { recordBytes: bytes }), bytes, scale)
    variants[`many-to-one-${shape}`] = (scale) =>
      oneByOne(new ManyToOne(capacity, null, { recordBytes: bytes }), bytes, scale)
    variants[`drain-${shape}`] = (scale) => drained(capacity, bytes, scale)
    variants[`ringbuf-${shape}`] = (scale) => ringbuf(capacity, bytes, scale)
    variants[`ringbuf-own-${shape}`] = (scale) => ringbufOwn(capacity, bytes, scale)
  }
}

function oneByOne(ring, bytes, scale) {
  const record = makeRecord(bytes)
  let wrong = 0
  const result = timeCalls((i) => {
    stamp(record, i)
    ring.set(record)
    const got = ring.tryNext()
    if (numberOf(got) !== i || got.length !== bytes) wrong++
  }, batches(scale))
  ring.close()
  if (wrong > 0) throw new Error(`${wrong} records came out wrong`)
  return result
}

function drained(capacity, bytes, scale) {
  const ring = new OneToOne(capacity, null, { recordBytes: bytes })
  const record = makeRecord(bytes)
  const batch = 32
  let wrong = 0
  let expected = 0
  const take = (got) => {
    if (numberOf(got) !== expected++ || got.length !== bytes) wrong++
  }
  const result = timeCalls((i) => {
    stamp(record, i)
    ring.set(record)
    if (i % batch === batch - 1) ring.drain(take)
  }, batches(scale))
  ring.drain(take)
  ring.close()
  if (wrong > 0) throw new Error(`${wrong} records came out wrong`)
  return result
}

/** As its README has it for what is not one element: a length, then the payload. Out into a buffer that is kept. */
function ringbuf(capacity, bytes, scale) {
  const ring = new RingBuffer(
    RingBuffer.getStorageForCapacity(capacity * (bytes + 4), Uint8Array),
    Uint8Array,
  )
  const record = makeRecord(bytes)
  const out = new Uint8Array(bytes)
  const prefix = new Uint8Array(4)
  const prefixOut = new Uint8Array(4)
  let wrong = 0
  const result = timeCalls((i) => {
    stamp(record, i)
    prefix[0] = bytes
    prefix[1] = bytes >>> 8
    ring.push(prefix)
    ring.push(record)
    ring.pop(prefixOut)
    ring.pop(out, prefixOut[0] | (prefixOut[1] << 8))
    if (numberOf(out) !== i) wrong++
  }, batches(scale))
  if (wrong > 0) throw new Error(`${wrong} records came out wrong`)
  return result
}

/** The same, but each record comes out as a copy of the caller's own, which is what `tryNext` gives. */
function ringbufOwn(capacity, bytes, scale) {
  const ring = new RingBuffer(
    RingBuffer.getStorageForCapacity(capacity * (bytes + 4), Uint8Array),
    Uint8Array,
  )
  const record = makeRecord(bytes)
  const prefix = new Uint8Array(4)
  const prefixOut = new Uint8Array(4)
  let wrong = 0
  const result = timeCalls((i) => {
    stamp(record, i)
    prefix[0] = bytes
    prefix[1] = bytes >>> 8
    ring.push(prefix)
    ring.push(record)
    ring.pop(prefixOut)
    const out = new Uint8Array(prefixOut[0] | (prefixOut[1] << 8))
    ring.pop(out)
    if (numberOf(out) !== i) wrong++
  }, batches(scale))
  if (wrong > 0) throw new Error(`${wrong} records came out wrong`)
  return result
}
