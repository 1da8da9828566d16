/**
 * Two simulators. One runs code on a simulated network and a clock that stands still: see `SimulatedNetwork`, docs/gudp.md.
 *
 * The other runs the shipped Wasm under every interleaving of a few threads.
 *
 * `instrument` turns each shared access of a Wasm binary into a scheduling point. `explore` searches all
 * schedules of a `Scenario` and returns the first failure with a schedule, a short string; `replay` runs that
 * string again and reports each step. A `Machine` can also be stepped by hand, as the simulator page does.
 *
 * ```ts
 * const core = instrument(binaryen, wasmBytes)          // at build time; takes seconds
 * const scenario: Scenario = {
 *   name: 'counter',
 *   threads: ['a', 'b'].map((name) => script(name, [{ call: 'increment', args: [1024] }])),
 *   ranges: [sharedRange(1024, 4)],
 *   terminal: ({ memory }) => (memory.i32(1024) === 2 ? undefined : 'an increment is lost'),
 * }
 * const { failure } = explore(core, scenario)           // failure.schedule is 'counter:0,1*2,0'
 * replay(core, scenario, failure.schedule, { onStep: (event) => console.log(event) })
 * ```
 *
 * Interleavings are sequentially consistent. See docs/model-checker.md.
 *
 * @module
 */
export type { AccessKind, Site } from './access-ops.ts'
export { someoneBlocked } from './checks.ts'
export { type Exhibit, type ExhibitScenario, exhibitNamed, exhibits } from './exhibits/index.ts'
export { type Exploration, type ExploreOptions, explore, type Failure } from './explorer.ts'
export {
  type BinaryenLike,
  type BinaryenModule,
  type Instrumented,
  type InstrumentOptions,
  instrument,
} from './instrument.ts'
export { CheckError, KILL, MAX_THREADS, Machine, type Pending, type StepEvent } from './machine.ts'
export { MemoryView } from './memory-view.ts'
export * from './network/index.ts'
export { packInstrumented, unpackInstrumented } from './packed.ts'
export {
  type CoreExports,
  constantRange,
  type Json,
  type Op,
  type Program,
  privateRange,
  program,
  type Range,
  type Scenario,
  type StateView,
  script,
  sharedRange,
  type ThreadStatus,
  type ThreadView,
  type Workbench,
} from './program.ts'
export { type RaceOptions, type RaceRule, racesIn } from './races.ts'
export { scenarioNamed, scenarios } from './scenarios/index.ts'
export {
  formatSchedule,
  parseSchedule,
  type ReplayOptions,
  type ReplayResult,
  replay,
  type Schedule,
} from './schedule.ts'
export { Session, type SessionOptions, type Turns } from './session.ts'
