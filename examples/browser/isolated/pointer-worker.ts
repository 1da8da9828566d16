// Sleeps until the page has written something, and says now and then how far the pointer has gone.
import { type DiodeHandle, OneToOne, Waiter } from 'spillway'

const REPORT_EVERY_MS = 100

// It never comes back from here, and hears no other message: it ends with its page, or by terminate().
self.onmessage = ({ data }) => follow(data)

function follow(handle: DiodeHandle): never {
  const waiter = new Waiter(OneToOne.from(handle))
  const text = new TextDecoder()
  let last: number[] | undefined
  let pixels = 0
  let reported = -1
  let reportAt = 0
  for (;;) {
    const record = waiter.nextSync(REPORT_EVERY_MS)
    if (record !== undefined) {
      const [x = 0, y = 0] = text.decode(record).split(' ').map(Number)
      const [lastX = x, lastY = y] = last ?? []
      pixels += Math.hypot(x - lastX, y - lastY)
      last = [x, y]
    }
    if (pixels === reported || performance.now() < reportAt) continue
    self.postMessage({ pixels: Math.round(pixels) })
    reported = pixels
    reportAt = performance.now() + REPORT_EVERY_MS
  }
}
