/**
 * Runs the shipped Wasm under every interleaving of a few threads.
 *
 * `instrument` turns each shared access of a Wasm binary into a scheduling point. `explore` searches all
 * schedules of a `Scenario` and returns the first failure with a schedule, a short string; `replay` runs that
 * string again and reports each step. A `Machine` can also be stepped by hand, as the simulator page does.
 *
 * Interleavings are sequentially consistent. See docs/model-checker.md.
 */
export type { AccessKind, Site } from './access-ops.ts'
export { someoneBlocked } from './checks.ts'
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
export type { RaceOptions, RaceRule } from './races.ts'
export {
  formatSchedule,
  parseSchedule,
  type ReplayOptions,
  type ReplayResult,
  replay,
  type Schedule,
} from './schedule.ts'
