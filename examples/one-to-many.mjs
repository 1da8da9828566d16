// One writer, three readers at their own pace: each is told exactly what it missed.

import { OneToMany } from 'spillway'

const ring = new OneToMany(8)
const text = new TextDecoder()

const keepsUp = ring.poller()
const isSlow = ring.poller((missed) => console.log(`the slow one missed ${missed}`))

for (let i = 1; i <= 20; i++) {
  ring.set(`event ${i}`)
  keepsUp.tryNext()
  if (i % 10 === 0) isSlow.drain((record) => console.log('slow:', text.decode(record)), 2)
}

// A poller that comes late begins with the oldest record that is still there.
const isLate = ring.poller()
console.log('late:', text.decode(isLate.tryNext()))

for (const [name, poller] of Object.entries({ keepsUp, isSlow, isLate })) {
  const { written, read, missed, depth } = poller.stats()
  console.log(`${name}: written ${written} = read ${read} + missed ${missed} + depth ${depth}`)
}
ring.close()
