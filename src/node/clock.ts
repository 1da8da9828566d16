import type { Clock } from '../ports.ts'

export const clock: Clock = {
  now: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
  soon(call) {
    setImmediate(call)
  },
}
