// The robust mutex and the condition variable, by themselves.

import type { Op, Program, Scenario, StateView } from '../program.ts'
import { program } from '../program.ts'
import {
  bellOf,
  type Connection,
  counterAt,
  isAsleep,
  isKilled,
  MODULE,
  monitorRanges,
  obituary,
  startMonitor,
  tokenOf,
} from './gudp-bench.ts'

export type Locking = {
  readonly at:
    | 'try'
    | 'arm'
    | 'wait'
    | 'departures'
    | 'read'
    | 'write'
    | 'unlock'
    | 'signal'
    | 'enter'
    | 'await'
    | 'sleep'
    | 'cancel'
    | 'leave'
    | 'over'
  readonly done: number
  readonly count: number
  readonly word: number
  readonly departures: number
  readonly gone: boolean
}

export interface Turn {
  turns: number
  /** Added to the counter under the lock; a waiter takes one away, and waits while it is 0. */
  adds: 1 | 2 | -1
  /** After each turn. */
  wakes?: 'monitorSignal' | 'monitorBroadcast'
  /** Gives up its first wait, for the lock or the condition, at any moment. */
  gives?: boolean
  /** Waits for the condition from the beginning. */
  isIn?: boolean
  name?: string
}

const START: Locking = { at: 'try', done: 0, count: 0, word: 0, departures: 0, gone: false }

/** Under the lock adds to the counter, in two steps of which the second is lost if another comes between. */
export function user(
  bench: Connection,
  thread: number,
  { turns, adds, wakes, gives = false, isIn = false, name = `user ${thread}` }: Turn,
): Program {
  const { layout } = bench
  const token = tokenOf(bench, thread)
  const args = [...bench.handle, token]
  const counter = counterAt(bench)
  const waits = adds < 0
  const sleep = (word: number): Op =>
    gives
      ? { wait: bellOf(bench, thread), value: word, timeout: true }
      : { wait: bellOf(bench, thread), value: word }
  const calls: Partial<Record<Locking['at'], string>> = {
    try: 'monitorTry',
    arm: 'monitorArm',
    unlock: 'monitorUnlock',
    enter: 'monitorWait',
    cancel: 'monitorCancel',
    leave: 'monitorLeave',
  }
  const turned = (state: Locking): Locking =>
    state.done < turns && !state.gone ? { ...START, done: state.done } : { ...state, at: 'over' }
  return program<Locking>({
    name,
    init: isIn ? { ...START, at: 'await' } : START,
    next: ({ at, count, word, departures }): Op | undefined => {
      const entry = calls[at]
      if (entry !== undefined) return { call: entry, args }
      if (at === 'departures') return { call: 'departures', args: [] }
      if (at === 'read') return { read: counter, bytes: 4 }
      if (at === 'write')
        return { write: counter, data: [...new Uint8Array(Uint32Array.of(count + adds).buffer)] }
      if (at === 'signal') return { call: wakes!, args: [...bench.handle] }
      if (at === 'await') return { call: 'monitorAwait', args: [...args, departures] }
      return at === 'wait' || at === 'sleep' ? sleep(word) : undefined
    },
    done: (state, result, memory): Locking => {
      switch (state.at) {
        case 'try':
          if (result === layout.OTHERS) return { ...state, at: 'arm' }
          return { ...state, at: waits ? 'departures' : 'read' }
        case 'arm':
          return result === 0 ? { ...state, at: 'try' } : { ...state, at: 'wait', word: result }
        case 'wait':
          return result === 2 ? { ...state, at: 'leave', word: 0 } : { ...state, at: 'try', word: 0 }
        case 'departures':
          return { ...state, at: 'read', departures: result }
        case 'read': {
          const count = memory.u32(counter)
          if (waits && state.gone) return { ...state, at: 'unlock' }
          return waits && count === 0 ? { ...state, at: 'enter' } : { ...state, at: 'write', count }
        }
        case 'write':
          return { ...state, at: 'unlock', done: state.done + 1, count: 0 }
        case 'unlock':
          return wakes === undefined ? turned(state) : { ...state, at: 'signal' }
        case 'signal':
          return turned(state)
        case 'enter':
          return { ...state, at: 'await' }
        case 'await':
          return result === 0 ? { ...state, at: 'try', word: 0 } : { ...state, at: 'sleep', word: result }
        case 'sleep':
          return result === 2 ? { ...state, at: 'cancel', word: 0 } : { ...state, at: 'await', word: 0 }
        case 'cancel':
          // Signalled meanwhile: it acts on it after all.
          return result === 1 ? { ...state, at: 'over', gone: true } : { ...state, at: 'try' }
        default:
          return { ...state, at: 'over', gone: true }
      }
    },
  })
}

export interface MonitorCase {
  turns: readonly Turn[]
  dies?: readonly number[]
}

/** The states in which the thread has the lock for sure. */
const INSIDE: readonly string[] = ['departures', 'read', 'write']

/** Threads at a monitor, each of which may be killed. */
export function monitorScenario({
  turns,
  dies = turns.map((_, thread) => thread),
}: MonitorCase): Omit<Scenario, 'name'> {
  let bench: Connection
  const users = turns.map((_, thread) => thread)
  const locking = (view: StateView, thread: number) => view.threads[thread]!.state as unknown as Locking
  return {
    module: MODULE,
    killable: dies,
    setup: (workbench) => {
      bench = startMonitor(workbench, turns.length)
      for (const thread of users) {
        if (!turns[thread]!.isIn) continue
        for (const call of ['monitorTry', 'monitorWait'])
          bench.call(call, ...bench.handle, tokenOf(bench, thread))
      }
    },
    threads: () => [
      ...turns.map((turn, thread) => user(bench, thread, turn)),
      ...dies.map((thread) => obituary(bench, thread)),
    ],
    ranges: () => monitorRanges(bench, { dies }),
    invariant: (view) => {
      const inside = users.filter(
        (thread) => !isKilled(view, thread) && INSIDE.includes(locking(view, thread).at),
      )
      return inside.length > 1 ? `${inside.join(' and ')} are inside` : undefined
    },
    terminal: (view) => {
      const count = view.memory.u32(counterAt(bench))
      const asleep = users.filter((thread) => isAsleep(view, thread))
      for (const thread of asleep) {
        if (locking(view, thread).at === 'wait')
          return `lost wake-up: ${thread} waits for a lock that is free`
        if (count > 0) return `lost wake-up: ${thread} waits, and there are ${count}`
      }
      const sum = users.reduce((total, thread) => total + locking(view, thread).done * turns[thread]!.adds, 0)
      const cut = users.find((thread) => isKilled(view, thread) && locking(view, thread).at === 'write')
      const isRight = count === sum || (cut !== undefined && count === sum + turns[cut]!.adds)
      return isRight ? undefined : `the counter is ${count}, and not ${sum}`
    },
  }
}

const scenario = (name: string, shape: MonitorCase): Scenario => ({ name, ...monitorScenario(shape) })

export const gudpMonitorScenarios: readonly Scenario[] = [
  scenario('gudp-mutex', {
    turns: [
      { turns: 2, adds: 1 },
      { turns: 2, adds: 1 },
    ],
  }),
  scenario('gudp-mutex-three', {
    turns: [
      { turns: 1, adds: 1 },
      { turns: 1, adds: 1 },
      { turns: 1, adds: 1 },
    ],
    dies: [0],
  }),
  scenario('gudp-mutex-given-up', {
    turns: [
      { turns: 1, adds: 1 },
      { turns: 1, adds: 1, gives: true },
      { turns: 1, adds: 1 },
    ],
    dies: [],
  }),
  scenario('gudp-monitor', {
    turns: [
      { turns: 1, adds: 1, wakes: 'monitorSignal' },
      { turns: 1, adds: -1 },
      { turns: 1, adds: -1 },
    ],
    dies: [],
  }),
  // The first one is signalled, and may die of it.
  scenario('gudp-monitor-killed', {
    turns: [
      { turns: 1, adds: 1, wakes: 'monitorSignal' },
      { turns: 1, adds: -1, isIn: true },
      { turns: 1, adds: -1, isIn: true },
    ],
    dies: [1],
  }),
  scenario('gudp-monitor-all', {
    turns: [
      { turns: 1, adds: 2, wakes: 'monitorBroadcast' },
      { turns: 1, adds: -1 },
      { turns: 1, adds: -1 },
    ],
    dies: [],
  }),
  scenario('gudp-monitor-given-up', {
    turns: [
      { turns: 1, adds: 1, wakes: 'monitorSignal' },
      { turns: 1, adds: -1, gives: true },
      { turns: 1, adds: -1 },
    ],
    dies: [],
  }),
]
