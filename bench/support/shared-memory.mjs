// What no face of the package tells, read where it lies: by the Wasm that ships, on the memory that a handle carries.
import { readFileSync } from 'node:fs'

function core(name, memory) {
  const module = new WebAssembly.Module(readFileSync(new URL(import.meta.resolve(`spillway/${name}`))))
  return new WebAssembly.Instance(module, { env: { memory } }).exports // it has no data and no start: it writes nothing
}

/** Granules of 4 KiB in use, by all that is in this memory. */
export function granulesOf({ memory }) {
  const { usedGranules } = core('core.wasm', memory)
  return () => usedGranules()
}

/** How often the bell of the server's thread was rung: it sleeps there. See assembly/sync/bell.ts. */
export function serverRingsOf({ memory, address }) {
  const { HUB_SERVER_OFFSET, bellAddress } = core('sockets.wasm', memory)
  const token = new Int32Array(memory.buffer)[(address + HUB_SERVER_OFFSET.value) >> 2]
  const bell = bellAddress(token) >> 2
  return () => ringsAt(new Int32Array(memory.buffer), bell)
}

/** How often this thread has slept, and was rung awake, from here on. */
export function ownSleeps() {
  const counted = { sleeps: 0, bell: undefined, before: 0 }
  const wait = Atomics.wait
  Atomics.wait = (words, index, value, timeout) => {
    counted.sleeps++
    if (counted.bell === undefined) {
      counted.bell = { words, index }
      counted.before = ringsAt(words, index)
    }
    return wait(words, index, value, timeout)
  }
  return () => {
    const { sleeps, bell, before } = counted
    return { sleeps, rings: bell === undefined ? 0 : ringsAt(bell.words, bell.index) - before }
  }
}

/** The bits above the lowest count. */
const ringsAt = (words, index) => Atomics.load(words, index) >>> 1
