// A load of so many calls a second, as a busy server makes it: each millisecond those that are due.

/** A tick that comes late catches up, but no further than this: who can't keep up must not make one endless tick. */
const MOST_A_TICK = 2000

/** Calls `call(i)`, `perSecond` for `ms`, and `pause` after each tick. Answers how many it was, and how many a second. */
export async function atPace(perSecond, ms, call, pause = () => {}) {
  const started = performance.now()
  let done = 0
  let elapsed = 0
  while (elapsed < ms) {
    await tick()
    elapsed = performance.now() - started
    const due = Math.floor((Math.min(elapsed, ms) * perSecond) / 1000)
    for (const end = Math.min(due, done + MOST_A_TICK); done < end; done++) call(done)
    await pause()
  }
  return { calls: done, perSecond: (done * 1000) / (performance.now() - started) }
}

function tick() {
  return new Promise((resolve) => setTimeout(resolve, 1))
}
