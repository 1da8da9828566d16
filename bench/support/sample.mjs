// One sample: a variant in a process of its own, and how much the rest of the machine did meanwhile.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const benchDir = fileURLToPath(new URL('..', import.meta.url))

/** No sample takes nearly as long. */
const LONGEST_SAMPLE_MS = 60_000
/** Cores that others may keep busy while a sample is taken: a thread that has to share its core shows nothing. */
const QUIET_CORES = 0.25
const TRIES = 4

/**
 * `{ figures, foreign }`: what the variant printed, and how many cores other processes kept busy (undefined where that can't be told).
 * A disturbed sample is taken again, a few times; the least disturbed one counts.
 */
export function takeSample({ node, name, variant, scale, tries = TRIES, dir = benchDir }) {
  let best
  for (let attempt = 0; attempt < tries; attempt++) {
    const sample = takeOnce(node, join(dir, 'case.mjs'), name, variant, scale)
    if (best === undefined || sample.foreign < best.foreign) best = sample
    if (!(best.foreign > QUIET_CORES)) break
  }
  return best
}

/**
 * A rival may hang (pino-socket's worker does, now and then), or fail in its own code (thread-stream does, in a burst): that is no figure,
 * and it is tried a few times more.
 */
function takeOnce(node, entry, name, variant, scale, left = TRIES) {
  const before = busySeconds()
  const started = performance.now()
  const run = spawnSync(node, [entry, name, variant, String(scale)], {
    encoding: 'utf8',
    timeout: LONGEST_SAMPLE_MS,
  })
  const seconds = (performance.now() - started) / 1000
  const after = busySeconds()
  const isHung = run.signal === 'SIGTERM'
  if ((isHung || failedInRival(run)) && left > 1) {
    console.error(`${name}/${variant} ${isHung ? 'hung' : 'failed in its own code'}, and is taken again`)
    return takeOnce(node, entry, name, variant, scale, left - 1)
  }
  if (run.status !== 0)
    throw new Error(`${name}/${variant} failed (${run.signal ?? run.status}):\n${run.stderr}`)
  const { cpuSeconds, ...figures } = JSON.parse(run.stdout.trim().split('\n').at(-1))
  const foreign = before === undefined ? undefined : Math.max(0, (after - before - cpuSeconds) / seconds)
  return { figures, foreign }
}

/** What was thrown came from a library, and nothing of ours stood between. */
function failedInRival({ status, stderr }) {
  return status !== 0 && /node_modules/.test(stderr) && !/\/(dist|bench)\//.test(stderr)
}

/** Processor seconds that the whole machine has spent so far: Linux tells. */
function busySeconds() {
  try {
    const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
      .split('\n', 1)[0]
      .trim()
      .split(/\s+/)
      .slice(1)
      .map(Number)
    return (user + nice + system + irq + softirq + steal) / 100
  } catch {
    return undefined
  }
}
