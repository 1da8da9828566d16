import { arch, availableParallelism } from 'node:os'
import process from 'node:process'
import { messageOf } from '../../core/errors.ts'
import { OneToOne } from '../../core/one-to-one.ts'
import { waitAsync } from '../../core/wait-async.ts'
import type { Finding } from './finding.ts'

export type RuntimeName = 'Node' | 'Deno' | 'Bun'

/** The oldest that it is meant for; every release is tested with the newest. */
const OLDEST: Readonly<Record<RuntimeName, readonly [major: number, minor: number]>> = {
  Node: [20, 0],
  Deno: [2, 9],
  Bun: [1, 4],
}

const LINKS = { Node: 'https://nodejs.org', Deno: 'https://deno.com', Bun: 'https://bun.sh' }

export function runtimeOf({
  versions,
}: {
  readonly versions: Readonly<Record<string, string | undefined>>
}): {
  name: RuntimeName
  version: string
} {
  if (versions.deno !== undefined) return { name: 'Deno', version: versions.deno }
  if (versions.bun !== undefined) return { name: 'Bun', version: versions.bun }
  return { name: 'Node', version: versions.node ?? '' }
}

export function judgeRuntime(name: RuntimeName, version: string, place: string): Finding {
  const [major = Number.NaN, minor = Number.NaN] = version.split('.').map(Number)
  const [leastMajor, leastMinor] = OLDEST[name]
  const isOld = !(major > leastMajor || (major === leastMajor && minor >= leastMinor))
  const finding = { check: 'runtime', says: `${name} ${version} on ${place}`, figures: { name, version } }
  if (!isOld) return { ...finding, verdict: 'ok' }
  return {
    ...finding,
    // Below 20 there is what it cannot do without; an older Deno or Bun was just never tried.
    verdict: name === 'Node' ? 'problem' : 'warning',
    means: `spillway is tested with ${name} ${leastMajor}.${leastMinor} and later.`,
    change: `install ${name} ${leastMajor}.${leastMinor} or later: ${LINKS[name]}`,
  }
}

/** The smallest modules that have them: what is not known is not valid. */
export const wasmFeatures: Readonly<Record<string, readonly number[]>> = {
  SIMD: [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
    11,
  ],
  threads: [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1, 10, 11, 1, 9, 0, 65, 0, 254,
    16, 2, 0, 26, 11,
  ],
  'bulk memory': [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1, 10, 14, 1, 12, 0, 65, 0, 65, 0,
    65, 0, 252, 10, 0, 0, 11,
  ],
}

function missingFeatures(): string[] {
  return Object.entries(wasmFeatures)
    .filter(([, bytes]) => !WebAssembly.validate(new Uint8Array(bytes)))
    .map(([name]) => name)
}

/** A ring, for real: the core compiled, instantiated on shared memory, and a record through it. */
function lookAtWasm(): Finding {
  const missing = missingFeatures()
  const startedMs = performance.now()
  try {
    const ring = new OneToOne(4)
    ring.set('a record')
    const record = new TextDecoder().decode(ring.tryNext())
    ring.close()
    if (record !== 'a record') throw new Error('a record came out changed')
    const ms = performance.now() - startedMs
    return {
      check: 'wasm',
      verdict: 'ok',
      says: `the Wasm core runs: SIMD, threads, bulk memory, shared memory (${ms.toFixed(1)} ms to its first record)`,
      figures: { ms, missing },
    }
  } catch (error) {
    return {
      check: 'wasm',
      verdict: 'problem',
      says: `the Wasm core does not run: ${messageOf(error)}${missing.length > 0 ? `; there is no ${missing.join(', no ')}` : ''}`,
      means: 'Nothing of spillway works here.',
      change:
        missing.length > 0
          ? 'take a newer runtime; in Node no flag may switch WebAssembly off (--jitless does)'
          : 'give it address space: it reserves 1 GiB of shared memory, and uses what it needs (ulimit -v unlimited)',
      figures: { missing },
    }
  }
}

/** Whether this thread may block, which flushing at exit needs. */
function lookAtBlocking(): Finding {
  const word = new Int32Array(new SharedArrayBuffer(4))
  try {
    Atomics.wait(word, 0, 0, 1)
  } catch {
    return {
      check: 'blocking',
      verdict: 'problem',
      says: 'Atomics.wait is not permitted in this thread',
      means: 'What is still in a ring when the process ends cannot be waited for, and is lost.',
      change: 'await exporter.close() before the program ends, and use the calls that give promises',
    }
  }
  return { check: 'blocking', verdict: 'ok', says: 'Atomics.wait: this thread may block' }
}

const WAKE_MS = 1000

async function lookAtWaking(): Promise<Finding> {
  const check = 'waking'
  const word = new Int32Array(new SharedArrayBuffer(4))
  const wait = waitAsync?.(word, 0, 0, WAKE_MS)
  if (wait === undefined) {
    return {
      check,
      verdict: 'problem',
      says: 'there is no Atomics.waitAsync',
      means: 'Rings are polled every few milliseconds instead; sockets and gudp do not work.',
      change: 'take a newer runtime',
    }
  }
  // A pending waitAsync keeps no process alive.
  const alive = setTimeout(() => {}, WAKE_MS)
  setTimeout(() => Atomics.notify(word, 0), 1)
  const outcome = await wait.value
  clearTimeout(alive)
  if (outcome === 'ok') return { check, verdict: 'ok', says: 'Atomics.waitAsync: whoever sleeps is woken' }
  return {
    check,
    verdict: 'problem',
    says: `Atomics.waitAsync does not wake: ${outcome}`,
    means: 'Events are sent late, or not at all.',
    change: 'take another version of the runtime, and report it, please',
  }
}

const TIMER_MS = 5
const LATE_MS = 50

/** An exporter may hold a line for `maxDelayMs`: timers that are late make it later. */
async function lookAtTimers(): Promise<Finding> {
  const late: number[] = []
  for (let i = 0; i < 3; i++) {
    const startedMs = performance.now()
    await new Promise((resolve) => setTimeout(resolve, TIMER_MS))
    late.push(performance.now() - startedMs - TIMER_MS)
  }
  const lateMs = late.sort((a, b) => a - b)[1]! // one hiccup is none
  const finding = { check: 'timers', figures: { lateMs } }
  const says = `timers of ${TIMER_MS} ms come ${Math.max(0, lateMs).toFixed(1)} ms late`
  if (lateMs < LATE_MS) return { ...finding, verdict: 'ok', says }
  return {
    ...finding,
    verdict: 'warning',
    says,
    means:
      'The machine is busy, or this process is held back. Events go out late, and receivers fall behind.',
    change: 'give it more processor: cpu.max of its cgroup, the CPU limit of its container',
  }
}

function lookAtProcessors(): Finding {
  const count = availableParallelism()
  const finding = { check: 'processors', figures: { count } }
  if (count > 1) return { ...finding, verdict: 'ok', says: `${count} processors` }
  return {
    ...finding,
    verdict: 'warning',
    says: 'one processor',
    means:
      'The I/O thread shares it with your threads: encode still returns at once, but bursts fill the ring sooner.',
    change: 'give it two, or a larger capacity',
  }
}

export async function lookAtRuntime(): Promise<Finding[]> {
  const { name, version } = runtimeOf(process as { versions: Record<string, string | undefined> })
  return [
    judgeRuntime(name, version, `${process.platform} ${arch()}`),
    lookAtWasm(),
    lookAtBlocking(),
    await lookAtWaking(),
    await lookAtTimers(),
    lookAtProcessors(),
  ]
}
