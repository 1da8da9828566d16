import type { MemoryView } from './memory-view.ts'
import type { RaceOptions } from './races.ts'

/** Anything that survives `JSON.stringify`: the state of a program, frozen and compared by its JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** What a thread does next. Every op but a call is one scheduling point; a call has one for each shared access. */
export type Op =
  | { call: string; args: readonly (number | bigint)[] }
  /**
   * `Atomics.wait` on an i32 (`waitAsync` is the same here). The result is 0 woken, 1 not equal, 2 timed out.
   * With `timeout` the wait may also end at any moment.
   */
  | { wait: number; value: number; timeout?: boolean }
  /** `Atomics.notify` by the driver; the result is how many woke. */
  | { notify: number; count?: number }
  /** The driver looks at memory, as JavaScript does with a zero-copy record; `done` may read these bytes. */
  | { read: number; bytes: number; atomic?: boolean }
  | { write: number; data: readonly number[]; atomic?: boolean }
  /** Until that thread has finished (result 0) or has been killed (result 1). */
  | { join: number }

/**
 * A thread as data: the explorer goes back in time, so nothing may live in closures. `next` must depend on
 * the state alone, `done` on its arguments alone, and `done` may read private and constant memory and what its
 * own `read` op declared, nothing else.
 */
export interface Program<S extends Json = Json> {
  name: string
  /** It is not one of those that the scenario is about, but stands for what the runtime does when one of them has ended. */
  isRuntime?: boolean
  init: S
  next(state: S): Op | undefined
  done(state: S, result: number, memory: MemoryView): S
}

/** Keeps the state's type inside the program and hides it outside, where programs of all types meet. */
export function program<S extends Json>(definition: Program<S>): Program {
  return definition as unknown as Program
}

/** The commonest program: these ops, one after the other; the state is the list of their results. */
export function script(name: string, ops: readonly Op[]): Program {
  return program<readonly number[]>({
    name,
    init: [],
    next: (results) => ops[results.length],
    done: (results, result) => [...results, result],
  })
}

/**
 * Memory that the scenario lets threads touch, in multiples of 4 bytes. Anything else is an error. Where ranges
 * overlap the later one counts, so that a list goes from the whole to its parts.
 */
export type Range =
  /** Every access is a scheduling point. */
  | { kind: 'shared'; start: number; bytes: number }
  /** One thread's own: no scheduling points, part of the state, an error when another thread comes. */
  | { kind: 'private'; start: number; bytes: number; thread: number }
  /** Written by `setup` alone: no scheduling points, not part of the state, a store is an error. */
  | { kind: 'constant'; start: number; bytes: number }

/** Memory that all threads may touch: each access is a scheduling point. */
export function sharedRange(start: number, bytes: number): Range {
  return { kind: 'shared', start, bytes }
}

/** Memory of one thread: another that touches it is a failure. */
export function privateRange(thread: number, start: number, bytes: number): Range {
  return { kind: 'private', start, bytes, thread }
}

/** Memory that nobody writes. */
export function constantRange(start: number, bytes: number): Range {
  return { kind: 'constant', start, bytes }
}

/** The functions of the core, by name. */
export type CoreExports = Record<string, (...args: (number | bigint)[]) => number | bigint | undefined>

/** What `setup` and the checks work with. Calls to `core` run at once, without scheduling points. */
export interface Workbench {
  core: CoreExports
  memory: MemoryView
  /** The whole memory, for `setup` to write to. */
  data: DataView
}

/** How it stands with a thread of a machine. */
export type ThreadStatus = 'running' | 'blocked' | 'finished' | 'killed'

/** A thread, as checks see it. */
export interface ThreadView {
  name: string
  /** See `Program`. */
  isRuntime: boolean
  status: ThreadStatus
  state: Json
  /** What it is in the middle of, or waits in; `undefined` once finished. */
  op: Op | undefined
}

/** A state, as invariants and terminal checks see it. */
export interface StateView extends Workbench {
  threads: readonly ThreadView[]
}

/** Threads, what they do, and what must hold. */
export interface Scenario {
  /** Part of every printed schedule; no spaces, no colons. */
  name: string
  /** The Wasm module that it is about. Default: 'core'. */
  module?: string
  /** Pages of memory that the core sees; it cannot grow. Default: what the module asks for. */
  pages?: number
  setup?(bench: Workbench): void
  /** As functions they run after `setup`, with what it laid out. */
  threads: readonly Program[] | ((bench: Workbench) => readonly Program[])
  ranges: readonly Range[] | ((bench: Workbench) => readonly Range[])
  /** Checked in every state: keep it cheap, change nothing. A string is a failure. */
  invariant?(view: StateView): string | undefined
  /**
   * Checked where nothing can run any more; may call the core and change memory. Without it, a thread that
   * is blocked in the end is a failure.
   */
  terminal?(view: StateView): string | undefined
  /** What the platform does on a thread's death (marks its lane, say), at once and without scheduling points. */
  onKill?(view: StateView, thread: number): void
  /** Threads that a search with kills may kill; default all. */
  killable?: readonly number[]
  /** Data races that are meant. The tests look for all others. */
  races?: RaceOptions
}
