const LONGEST_TIMER_MS = 0x7fffffff

let awaited = 0
let timer: ReturnType<typeof setInterval> | undefined

/** A pending `Atomics.waitAsync` does not keep a process alive; a timer that never fires does. */
export function keepAlive(change: 1 | -1): void {
  awaited += change
  if (awaited > 0) timer ??= setInterval(() => {}, LONGEST_TIMER_MS)
  else {
    clearInterval(timer)
    timer = undefined
  }
}
