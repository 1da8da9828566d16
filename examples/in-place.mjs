// Without copies, both ways: a record is written where it will lie, and read there.

import { OneToOne } from 'spillway'

const ring = new OneToOne(1024, null, { policy: 'drop-newest', recordBytes: 16 })

let stored = 0
for (let i = 0; i < 2000; i++) {
  const view = ring.claim(16)
  if (view === undefined) continue // full: the record is counted as dropped
  new DataView(view.buffer, view.byteOffset).setFloat64(0, i * 1.5, true)
  ring.commit(8) // only what was used
  stored++
}

let sum = 0
const read = ring.drain((record) => {
  sum += new DataView(record.buffer, record.byteOffset).getFloat64(0, true)
})
console.log(`${stored} stored, ${read} read, sum ${sum}, ${ring.stats().dropped} dropped`)
ring.close()
