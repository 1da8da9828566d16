import type { Outlet } from '../core/outlet.ts'
import { waitAsync } from '../core/wait-async.ts'

/** An endpoint may be closed while it waits: it looks now and then. */
const LONGEST_WAIT_MS = 1000
const LONGEST_TIMER_MS = 0x7fffffff

/** Waits for a flush; the process stays alive for it. `false`: not served in time. `isOver` is looked at now and then. */
export async function served(
  outlet: Outlet,
  ticket: number,
  timeoutMs: number,
  isOver: () => boolean,
): Promise<boolean> {
  const { words, index } = outlet.servedWord()
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    const value = Atomics.load(words, index)
    if (isOver() || outlet.isServed(ticket)) return true
    const leftMs = deadlineMs - performance.now()
    if (leftMs <= 0) return false
    await changed(words, index, value, Math.min(leftMs, LONGEST_WAIT_MS))
  }
}

/** The same, and blocks. */
export function waitUntilServed(outlet: Outlet, ticket: number, deadlineMs: number): boolean {
  const { words, index } = outlet.servedWord()
  for (;;) {
    const value = Atomics.load(words, index)
    if (outlet.isServed(ticket)) return true
    const leftMs = deadlineMs - performance.now()
    if (leftMs <= 0) return false
    Atomics.wait(words, index, value, leftMs)
  }
}

async function changed(words: Int32Array, index: number, value: number, timeoutMs: number): Promise<void> {
  const wait = waitAsync!(words, index, value, timeoutMs)
  if (!wait.async) return
  const alive = setInterval(() => {}, LONGEST_TIMER_MS)
  try {
    await wait.value
  } finally {
    clearInterval(alive)
  }
}
