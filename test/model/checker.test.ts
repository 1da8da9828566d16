import { beforeAll, describe, expect, test } from 'vitest'
import {
  constantRange,
  type Exploration,
  type ExploreOptions,
  explore,
  formatSchedule,
  type Instrumented,
  Machine,
  type Op,
  parseSchedule,
  privateRange,
  program,
  type Range,
  replay,
  type Scenario,
  script,
  sharedRange,
} from '../../src/sim/index.ts'
import { bruteForce } from './fixtures/brute-force.ts'
import { compile, instrumented } from './fixtures/compile.ts'
import { TOYS } from './fixtures/toys.ts'

const P = 1024
const RANGES: Range[] = [sharedRange(P, 64)]

let bytes: Uint8Array
let core: Instrumented
/** Bytewise copies, and not optimised after Asyncify: another road to the same results. */
let bytewise: Instrumented

beforeAll(async () => {
  bytes = await compile(TOYS)
  core = instrumented(bytes)
  bytewise = instrumented(bytes, { granuleBytes: 1, optimize: false })
}, 30_000)

function call(name: string, ...args: number[]): Op {
  return { call: name, args }
}

function two(name: string, ops: Op[], more: Partial<Scenario> = {}): Scenario {
  return { name, threads: [script('a', ops), script('b', ops)], ranges: RANGES, ...more }
}

function counterIs(expected: number): Pick<Scenario, 'terminal'> {
  return {
    terminal: ({ memory }) =>
      memory.i32(P) === expected ? undefined : `counter is ${memory.i32(P)}, not ${expected}`,
  }
}

/** Explores, and demands that a replay of a failure fails in the same way. */
function check(scenario: Scenario, options: ExploreOptions = {}): Exploration {
  const result = explore(core, scenario, options)
  if (result.failure) {
    const again = replay(core, scenario, result.failure.schedule, options)
    expect(again.message).toBe(result.failure.message)
    expect(again.trace).toEqual(result.failure.trace)
  }
  return result
}

describe('what instrumented code computes', () => {
  /** The toys without instrumentation: the memory is shared there, as in production. */
  function plain() {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true })
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>), {
      env: { memory },
    })
    return { exports: exports as Record<string, (...args: number[]) => number>, memory: memory.buffer }
  }

  const calls: [string, number[]][] = [
    ['everyWidth', [P]],
    ['nested', [P, 7]],
    ['lanes', [P]],
    ['vectorCopy', [P + 24, P + 4]],
    ['fill', [P + 3, 0x1fe, 29]],
    ...[0, 1, 7, 8, 15, 31].flatMap((count): [string, number[]][] => [
      ['copy', [P + 32, P, count]],
      ['copy', [P + 3, P, count]],
      ['copy', [P, P + 3, count]],
    ]),
  ]

  test.each(calls)('%s%j is what the original computes, step by step', (name, args) => {
    for (const variant of [core, bytewise]) {
      const original = plain()
      const seed = Uint8Array.from({ length: 64 }, (_, i) => (i * 37 + 11) & 0xff)
      new Uint8Array(original.memory).set(seed, P)
      const expected = original.exports[name]!(...args)
      const machine = new Machine(variant, {
        name: 'single',
        setup: ({ data }) => new Uint8Array(data.buffer).set(seed, P),
        threads: [script('a', [call(name, ...args)])],
        ranges: RANGES,
      })
      while (machine.enabled()) {
        // Through a snapshot at every step: what is not in it would be lost.
        const state = machine.snapshot()
        machine.step(0)
        machine.restore(state)
        machine.step(0)
      }
      expect(machine.view.threads[0]!.state).toEqual([expected ?? 0])
      expect(machine.memory.bytes(P, 64)).toEqual([...new Uint8Array(original.memory, P, 64)])
    }
  })

  test('sites tell function, instruction, width and atomicity', () => {
    const site = core.sites.find(({ func, kind }) => func.endsWith('casIncrement') && kind === 'rmw')
    expect(site).toMatchObject({ op: 'i32.atomic.rmw.cmpxchg', bytes: 4, atomic: true, offset: 0 })
    expect(core.sites.filter(({ func }) => func.endsWith('vectorCopy')).map(({ bytes }) => bytes)).toEqual([
      8, 8, 8, 8,
    ])
  })

  test('mutable globals and wait instructions are refused', async () => {
    const stateful = await compile('let n = 0; export function next(): i32 { return ++n }')
    expect(() => instrumented(stateful)).toThrow('mutable global')
    const waiting = await compile('export function w(p: usize): i32 { return atomic.wait<i32>(p, 0, -1) }')
    expect(() => instrumented(waiting)).toThrow('memory.atomic.wait32')
  })
})

describe('counters', () => {
  test('a plain increment loses an update', () => {
    const { failure } = check(two('plain', [call('plainIncrement', P)], counterIs(2)))
    expect(failure?.message).toBe('counter is 1, not 2')
    // One switch away from a thread that could go on is the least it takes.
    expect(failure?.schedule).toBe('plain:0,1*2,0')
    expect(failure?.trace.map(({ kind, before, after }) => [kind, before, after])).toEqual([
      ['load', '0x00000000', '0x00000000'],
      ['load', '0x00000000', '0x00000000'],
      ['store', '0x00000000', '0x00000001'],
      ['store', '0x00000001', '0x00000001'],
    ])
  })

  test('an atomic increment does not', () => {
    const ops = [call('atomicIncrement', P), call('atomicIncrement', P)]
    const result = check(two('atomic', ops, counterIs(4)))
    expect(result).toMatchObject({ complete: true, terminals: 1 })
    expect(result.failure).toBeUndefined()
  })

  test('three threads that retry are a finite space', () => {
    const ops = [call('casIncrement', P), call('casIncrement', P)]
    const threads = ['a', 'b', 'c'].map((name) => script(name, ops))
    const scenario = { name: 'cas', threads, ranges: RANGES, ...counterIs(6) }
    const all = check(scenario)
    expect(all).toMatchObject({ complete: true, terminals: 1 })
    const reduced = check(scenario, { reduce: true })
    expect(reduced).toMatchObject({ complete: true, terminals: 1, states: all.states })
    expect(reduced.transitions).toBeLessThan(all.transitions)
  })

  test('positions beyond 32 bits are whole', () => {
    const start = 2 ** 32 - 1
    const scenario = two('wide', [call('wideIncrement', P)], {
      setup: ({ data }) => data.setBigUint64(P, BigInt(start), true),
      terminal: ({ memory, threads }) => {
        const seen = threads.map(({ state }) => (state as number[])[0]!).sort((x, y) => x - y)
        return memory.u64(P) === BigInt(start + 2) && seen[0] === start && seen[1] === start + 1
          ? undefined
          : `saw ${seen}`
      },
    })
    expect(check(scenario)).toMatchObject({ complete: true, terminals: 2 })
  })
})

describe('waiting', () => {
  type Sleeper = { at: 'prepare' | 'read' | 'wait'; signal: number } | 'done'

  /** As the access layer does it: the signal is read, the core decides, the driver waits on what was read. */
  function sleeper(prepare: string) {
    return program<Sleeper>({
      name: 'reader',
      init: { at: 'read', signal: 0 },
      next(state) {
        if (state === 'done') return undefined
        if (state.at === 'read') return { read: P + 8, bytes: 4, atomic: true }
        return state.at === 'prepare' ? call(prepare, P) : { wait: P + 8, value: state.signal }
      },
      done(state, result, memory) {
        if (state === 'done') return state
        if (state.at === 'read') return { at: 'prepare', signal: memory.i32(P + 8) }
        if (state.at === 'wait') return { at: 'read', signal: 0 }
        return result === 0 ? 'done' : { ...state, at: 'wait' }
      },
    })
  }

  function handOver(name: string, prepare: string): Scenario {
    return { name, threads: [sleeper(prepare), script('writer', [call('putAndWake', P)])], ranges: RANGES }
  }

  test('looking before arming loses the wake-up', () => {
    const { failure, states } = check(handOver('lost', 'prepareWaitWrong'))
    expect(failure?.message).toContain('deadlock: reader in {"wait":1032')
    expect(states).toBeLessThan(100)
  })

  test('looking again after arming does not', () => {
    const result = check(handOver('armed', 'prepareWait'), { races: true })
    expect(result.failure).toBeUndefined()
    expect(result.complete).toBe(true)
  })

  test('a killed writer leaves the reader asleep, and the report says so', () => {
    const scenario = { ...handOver('widow', 'prepareWait'), killable: [1] }
    const { failure } = check(scenario, { kills: 1 })
    expect(failure?.message).toContain('deadlock: reader')
    expect(failure?.schedule).toContain('k1')
  })

  test('one notify wakes the first who came; a timeout wakes without', () => {
    const waiting: Op[] = [{ wait: P, value: 0 }]
    const notifier = script('n', [call('notifyOne', P), call('notifyAll', P)])
    const scenario: Scenario = {
      name: 'queue',
      threads: [script('a', waiting), script('b', waiting), notifier],
      ranges: RANGES,
    }
    expect(check(scenario).failure?.message).toContain('deadlock')
    const timed = script('a', [{ wait: P, value: 0, timeout: true }])
    const result = check({ ...scenario, threads: [timed, notifier] })
    expect(result).toMatchObject({ complete: true })
    expect(result.failure).toBeUndefined()

    const machine = new Machine(core, scenario)
    for (const thread of [1, 0, 2]) machine.step(thread)
    expect(machine.view.threads.map(({ status }) => status)).toEqual(['blocked', 'finished', 'running'])
  })

  test('join waits for the end of another, and tells how it came', () => {
    const supervisor = script('supervisor', [{ join: 0 }])
    const scenario: Scenario = {
      name: 'join',
      threads: [script('a', [call('atomicIncrement', P)]), supervisor],
      ranges: RANGES,
      killable: [0],
      terminal: ({ memory, threads }) =>
        (threads[1]!.state as number[])[0] === 1 - memory.i32(P) ? undefined : 'the supervisor is misled',
    }
    expect(check(scenario, { kills: 1 })).toMatchObject({ complete: true, terminals: 2 })
  })
})

describe('locks', () => {
  const locked = two('lock', [call('lockedIncrement', P)], {
    terminal: ({ memory }) => (memory.i32(P + 4) === 2 ? undefined : 'lost'),
  })

  test('a spinlock guards, without a race', () => {
    const result = check(locked, { races: true })
    expect(result.failure).toBeUndefined()
    expect(result.complete).toBe(true)
  })

  test('a spinlock whose owner dies spins for ever', () => {
    const scenario = { ...locked, name: 'orphan', terminal: () => undefined }
    const { failure } = check(scenario, { kills: 1 })
    expect(failure?.message).toBe('livelock: no schedule lets b finish')
    expect(failure?.schedule).toBe('orphan:0,k0')
  })

  test('two locks in opposite order block each other', () => {
    const threads = [
      script('a', [call('lock', P), call('lock', P + 4), call('unlock', P + 4), call('unlock', P)]),
      script('b', [call('lock', P + 4), call('lock', P), call('unlock', P), call('unlock', P + 4)]),
    ]
    const { failure } = check({ name: 'order', threads, ranges: RANGES })
    expect(failure?.message).toBe('livelock: no schedule lets a, b finish')
    expect(failure?.schedule).toBe('order:0,1')
  })

  test("Dekker's entry excludes, with sequentially consistent atomics", () => {
    const threads = [
      script('a', [call('visit', P, P + 4, P + 8)]),
      script('b', [call('visit', P + 4, P, P + 8)]),
    ]
    const invariant: Scenario['invariant'] = ({ memory }) =>
      memory.i32(P + 8) > 1 ? 'two inside' : undefined
    const result = check({ name: 'dekker', threads, ranges: RANGES, invariant }, { races: true })
    expect(result.failure).toBeUndefined()
    expect(result.complete).toBe(true)
  })
})

describe('copies', () => {
  const ONE = [1, 1, 1, 1, 1, 1, 1, 1]

  function tearing(name: string, reader: Op, length: number): Scenario {
    return {
      name,
      threads: [script('writer', [call('fill', P, 1, length)]), script('reader', [reader])],
      ranges: [sharedRange(P, 16), privateRange(1, P + 16, 16)],
      terminal: ({ memory }) => {
        const seen = memory.bytes(P + 16, length)
        return seen.every((byte) => byte === seen[0]) ? undefined : `torn: ${seen}`
      },
    }
  }

  test('memory.copy and v128 show half-written records', () => {
    for (const reader of [call('copy', P + 16, P, 16), call('vectorCopy', P + 16, P)]) {
      const { failure } = check(tearing('torn', reader, 16))
      expect(failure?.message).toMatch(/^torn: 1,1,1,1,1,1,1,1,0,|^torn: 0,0,0,0,0,0,0,0,1,/)
    }
  })

  test('eight aligned bytes are one granule', () => {
    expect(check(tearing('whole', call('copy', P + 16, P, 8), 8)).failure).toBeUndefined()
  })

  test('a driver that looks at a record sees it between two steps of the writer', () => {
    const threads = [
      script('writer', [
        { write: P, data: ONE },
        { write: P + 8, data: ONE },
      ]),
      program<readonly number[]>({
        name: 'reader',
        init: [],
        next: (state) => (state.length === 0 ? { read: P, bytes: 16 } : undefined),
        done: (_, __, memory) => memory.bytes(P, 16),
      }),
    ]
    const sums = new Set<number>()
    const terminal: Scenario['terminal'] = ({ threads: [, reader] }) => {
      sums.add((reader!.state as number[]).reduce((a, b) => a + b))
      return undefined
    }
    expect(check({ name: 'peek', threads, ranges: RANGES, terminal })).toMatchObject({ complete: true })
    expect([...sums].sort((a, b) => a - b)).toEqual([0, 8, 16])
  })
})

describe('data races', () => {
  const scenario: Scenario = {
    name: 'seqlock',
    threads: [
      program<number>({
        name: 'writer',
        init: 0,
        next: (n) => (n < 2 ? { call: 'seqWrite', args: [P, BigInt(n + 1)] } : undefined),
        done: (n) => n + 1,
      }),
      script('reader', [call('seqRead', P), call('seqRead', P)]),
    ],
    ranges: RANGES,
    terminal: ({ threads }) => ((threads[1]!.state as number[]).includes(-2) ? 'torn' : undefined),
  }

  test('a sequence lock races on purpose: reported, unless allowed', () => {
    expect(check(scenario, { races: true }).failure?.message).toMatch(
      /^data race: writer i64\.store\/8 at (1032|1040) in \S*seqWrite against reader i64\.load\/8 at \1 in \S*seqRead$/,
    )
    const allowed = check(scenario, { races: { allow: [['seqWrite', 'seqRead']] } })
    expect(allowed.failure).toBeUndefined()
    expect(allowed.complete).toBe(true)
  })

  test('a plain counter races', () => {
    const { failure } = check(two('racy', [call('plainIncrement', P)]), { races: true })
    expect(failure?.message).toContain('data race')
  })
})

describe('what a scenario declares', () => {
  function alone(op: Op, ranges: Range[]): Exploration {
    return explore(core, { name: 'alone', threads: [script('a', [op]), script('b', [])], ranges })
  }

  test('memory outside the ranges is out of bounds', () => {
    expect(alone(call('plainIncrement', P), []).failure?.message).toContain('outside the declared ranges')
    expect(alone(call('outOfBounds'), RANGES).failure?.message).toContain('outside the declared ranges')
    expect(alone({ read: P + 60, bytes: 8 }, RANGES).failure?.message).toContain(
      'outside the declared ranges',
    )
  })

  test('constant memory is not written, private memory is not shared', () => {
    const constant = alone(call('copy', P, P + 32, 8), [constantRange(P, 64)])
    expect(constant.failure?.message).toContain('writes constant memory')
    const foreign = alone(call('plainIncrement', P), [privateRange(1, P, 4)])
    expect(foreign.failure?.message).toContain('private to b')
  })

  test('accesses to constant and private memory are no scheduling points', () => {
    const ranges = [constantRange(P + 32, 32), privateRange(0, P, 32)]
    expect(alone(call('copy', P, P + 32, 32), ranges)).toMatchObject({ states: 1, complete: true })
  })

  test('done() may not peek at shared memory', () => {
    const threads = [
      program<number>({
        name: 'a',
        init: 0,
        next: (n) => (n === 0 ? call('atomicIncrement', P) : undefined),
        done: (_, __, memory) => memory.i32(P),
      }),
    ]
    expect(explore(core, { name: 'peek', threads, ranges: RANGES }).failure?.message).toContain(
      'use a read op',
    )
  })

  test('traps and failing checks are failures with a schedule', () => {
    const { failure } = check(two('trap', [call('trap', P)]))
    expect(failure?.message).toMatch(/^b trapped in trap: unreachable/)
    const invariant = () => {
      throw new Error('thrown by a check')
    }
    expect(check(two('throws', [call('atomicIncrement', P)], { invariant })).failure?.message).toBe(
      'thrown by a check',
    )
  })
})

describe('schedules', () => {
  test('are short strings that read back', () => {
    const transitions = [0, 0, 0, 1, 8, 9, 2, 2]
    const text = formatSchedule({ scenario: 'ring-4', transitions })
    expect(text).toBe('ring-4:0*3,1,k0,k1,2*2')
    expect(parseSchedule(text)).toEqual({ scenario: 'ring-4', transitions })
    expect(parseSchedule('x:')).toEqual({ scenario: 'x', transitions: [] })
    expect(() => parseSchedule('x:0*2,z')).toThrow('not a schedule')
    expect(() => replay(core, two('x', []), 'x:0')).toThrow('step 0')
  })

  test('are the same on every run', () => {
    const scenario = two('plain', [call('plainIncrement', P), call('casIncrement', P)], counterIs(4))
    expect(explore(core, scenario)).toEqual(explore(core, scenario))
  })

  test('bounds are reported', () => {
    const ops = [call('casIncrement', P), call('casIncrement', P)]
    expect(explore(core, two('cut', ops), { maxStates: 10 }).complete).toBe(false)
    expect(explore(core, two('cut', ops), { maxDepth: 5 }).complete).toBe(false)
  })
})

describe('against a search by brute force', () => {
  const increments = [call('casIncrement', P), call('plainIncrement', P)]
  const scenarios: Scenario[] = [
    two('mixed', increments),
    { ...two('three', []), threads: ['a', 'b', 'c'].map((name) => script(name, [call('casIncrement', P)])) },
    two('locked', [call('lockedIncrement', P)]),
    two('copies', [call('copy', P, P + 32, 12), call('fill', P + 32, 3, 9)]),
    {
      ...two('order', []),
      threads: [
        script('a', [call('lock', P), call('lock', P + 4), call('unlock', P), call('unlock', P + 4)]),
        script('b', [call('lock', P + 4), call('lock', P), call('unlock', P + 4), call('unlock', P)]),
      ],
    },
    {
      ...two('sleepers', []),
      threads: [
        script('a', [{ wait: P, value: 0 }, call('atomicIncrement', P)]),
        script('b', [
          { wait: P, value: 0, timeout: true },
          { notify: P, count: 1 },
        ]),
        script('c', [{ write: P + 4, data: [1] }, call('notifyOne', P), { join: 1 }, { read: P, bytes: 4 }]),
      ],
    },
  ]

  test.each(scenarios)('$name: the same states, ends and traps', (scenario) => {
    const quiet = { ...scenario, terminal: () => undefined }
    for (const kills of [0, 1] as const) {
      const expected = bruteForce(core, quiet, kills)
      const { failure, complete, ...counts } = explore(core, quiet, { kills, shorten: false })
      expect(failure?.message.startsWith('livelock') ?? false).toBe(expected.trap)
      if (!expected.trap)
        expect({ ...counts, complete }).toMatchObject({ ...expected.counts, complete: true })
      const free = explore(core, quiet, { kills, livelock: false })
      expect(free).toMatchObject({ ...expected.counts, complete: true })
      const { transitions, ...reduced } = explore(core, quiet, { kills, reduce: true })
      expect(reduced).toMatchObject({ states: free.states, terminals: free.terminals, complete: true })
      expect(transitions).toBeLessThanOrEqual(free.transitions)
    }
  })

  test('going back restores memory, threads and hash', () => {
    const machine = new Machine(core, scenarios[3]!)
    const threads = new Int32Array(machine.threadsBound)
    let random = 12345
    const walk = (steps: number) => {
      for (let i = 0; i < steps && machine.enabled(); i++) {
        random = (Math.imul(random, 1103515245) + 12345) >>> 0
        const thread = (random >>> 16) & 1
        if (machine.canStep(thread)) machine.step(thread)
      }
    }
    for (let round = 0; round < 5; round++) {
      walk(4)
      const before = machine.snapshot()
      const hash = [machine.memoryLow, machine.memoryHigh]
      const mark = machine.mark()
      machine.saveThreads(threads, 0)
      walk(9)
      machine.rollback(mark)
      machine.restoreThreads(threads, 0)
      expect(machine.snapshot()).toEqual(before)
      expect([machine.memoryLow, machine.memoryHigh]).toEqual(hash)
    }
  })
})
