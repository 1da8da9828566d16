// Time per call, and the statistics over it.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))]
}

export function spread(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/**
 * Nanoseconds a call: the mean, since what a call leaves for the garbage collector is part of what it costs; `quiet` is the
 * median of the batches, without that. `call(i)` must be the only thing its process calls in this way, or V8 would not
 * inline it as it does in a program.
 */
export function timeCalls(call, { calls = 2000, batches = 200, warm = 0.2 } = {}) {
  const times = []
  const skipped = Math.ceil(batches * warm)
  for (let batch = 0, i = 0; batch < batches + skipped; batch++) {
    const started = performance.now()
    for (const end = i + calls; i < end; i++) call(i)
    const took = performance.now() - started
    if (batch >= skipped) times.push((took * 1e6) / calls)
  }
  return figuresOf(times)
}

/**
 * The same as a server would call: in bursts, with a turn of the event loop after each. `ns` is the time in the calls,
 * `inAll` what the thread was busy for altogether, the work put off until later included.
 */
export async function timeBursts(call, { calls = 1000, bursts = 300, warm = 0.2, pause = nextTurn } = {}) {
  const times = []
  const skipped = Math.ceil(bursts * warm)
  let before = performance.eventLoopUtilization()
  for (let burst = 0, i = 0; burst < bursts + skipped; burst++) {
    if (burst === skipped) before = performance.eventLoopUtilization()
    const started = performance.now()
    for (const end = i + calls; i < end; i++) call(i)
    const took = performance.now() - started
    if (burst >= skipped) times.push((took * 1e6) / calls)
    await pause(i)
  }
  const { active } = performance.eventLoopUtilization(before)
  return { ...figuresOf(times), inAll: (active * 1e6) / (calls * bursts) }
}

/**
 * Two calls of one process in turn, a burst of each and then the pause, every other time the other one first: what runs beside them
 * slows both. Nanoseconds a call, medians of the bursts.
 */
export async function timePairs(first, second, { calls = 100, bursts = 300, warm = 0.2, pause = nextTurn }) {
  const times = [[], []]
  const skipped = Math.ceil(bursts * warm)
  for (let burst = 0, i = 0; burst < bursts + skipped; burst++, i += calls) {
    const order = burst % 2 === 0 ? [0, 1] : [1, 0]
    for (const which of order) {
      const call = which === 0 ? first : second
      const started = performance.now()
      for (let at = i; at < i + calls; at++) call(at)
      const took = performance.now() - started
      if (burst >= skipped) times[which].push((took * 1e6) / calls)
    }
    await pause()
  }
  return times.map(median)
}

export function figuresOf(times) {
  const sum = times.reduce((a, b) => a + b, 0)
  return { ns: sum / times.length, quiet: median(times), best: Math.min(...times) }
}

export function nextTurn() {
  return new Promise((resolve) => setImmediate(resolve))
}
