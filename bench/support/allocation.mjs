// Bytes that a call leaves on this thread's heap.
import { getHeapStatistics } from 'node:v8'
import { median } from './timing.mjs'

/** Stretches in which V8's compilers put their own things on the heap: so many of the largest are left out. */
const TRIMMED = 0.05

/**
 * Mean bytes a call, from stretches of calls without a garbage collection: `calls` must be few enough that most have none.
 * `call(i)` may be asynchronous. Reading the heap allocates, too: so much as a stretch without calls shows.
 */
export async function bytesPerCall(call, { calls = 2000, stretches = 500, warm = 100 } = {}) {
  const ownBytes = bytesOfLooking()
  checkRuler(ownBytes)
  const grown = []
  for (let stretch = 0, i = 0; stretch < stretches + warm; stretch++) {
    const before = allocated()
    for (const end = i + calls; i < end; i++) {
      const pending = call(i)
      if (pending instanceof Promise) await pending
    }
    const bytes = allocated() - before
    if (stretch >= warm && bytes >= 0) grown.push(bytes - ownBytes)
  }
  if (grown.length < stretches / 4) {
    throw new Error(`only ${grown.length} of ${stretches} stretches had no collection: take fewer calls`)
  }
  grown.sort((a, b) => a - b)
  const kept = grown.slice(0, Math.ceil(grown.length * (1 - TRIMMED)))
  return Math.max(0, kept.reduce((a, b) => a + b, 0) / kept.length / calls)
}

function allocated() {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
  return heap + external
}

const LOOKS = 51
const ARRAYS = 1000
let array

/** What two looks at the heap allocate. */
function bytesOfLooking() {
  return median(Array.from({ length: LOOKS }, () => difference(() => {})))
}

/** That the looks do see what is allocated between them. */
function checkRuler(ownBytes) {
  const makeArrays = () => {
    for (let i = 0; i < ARRAYS; i++) array = [i]
  }
  const seen = median(Array.from({ length: LOOKS }, () => difference(makeArrays))) - ownBytes
  if (array[0] !== ARRAYS - 1 || seen < 16 * ARRAYS || seen > 256 * ARRAYS) {
    throw new Error(`${ARRAYS} small arrays showed as ${seen} bytes: the heap can't be read here`)
  }
}

function difference(run) {
  const before = allocated()
  run()
  return allocated() - before
}
