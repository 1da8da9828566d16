// A worker at its work. It tells of every job, and waits for nobody.
import { type DiodeHandle, ManyToOne } from 'spillway'

export interface JobEvent {
  writer: number
  sequence: number
  items: number
  micros: number
}

/** Works for so long, and then listens whether it is to stop. */
const SPELL_MS = 8

let stop = (): void => {}

self.onmessage = ({ data }) => {
  if (data === 'stop') stop()
  else start(data)
}

function start({ handle, writer, items }: { handle: DiodeHandle; writer: number; items: number }): void {
  const ring = ManyToOne.from(handle)
  let sequence = 0
  const spell = setInterval(() => {
    const end = performance.now() + SPELL_MS
    do {
      const event: JobEvent = { writer, sequence: sequence++, items, micros: sort(items) }
      ring.set(JSON.stringify(event))
    } while (performance.now() < end)
  }, 2 * SPELL_MS)
  stop = () => {
    clearInterval(spell)
    ring.close() // what it has written is read all the same
    self.postMessage({ offered: sequence })
  }
}

function sort(items: number): number {
  const began = performance.now()
  Float64Array.from({ length: items }, Math.random).sort()
  return Math.round(1000 * (performance.now() - began))
}
