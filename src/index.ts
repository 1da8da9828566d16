/**
 * spillway: lossy rings in shared memory that never block and never lie about what they lost.
 *
 * @module
 */
export { type ErrorCode, SpillwayError } from './core/errors.ts'
export type { DiodeHandle, Topology } from './core/handle.ts'
export { type CoreOptions, configure } from './core/load.ts'
export { ManyToOne } from './core/many-to-one.ts'
export { OneToMany, OneToManyReader } from './core/one-to-many.ts'
export { OneToOne } from './core/one-to-one.ts'
export type { Alert, DiodeOptions, DropPolicy } from './core/options.ts'
export type { Reader } from './core/reader.ts'
export type { DiodeStats } from './core/stats.ts'
export { type StatusHandle, StatusWord } from './core/status-word.ts'
export { Poller, type PollerOptions, Waiter, type WaiterOptions } from './core/waiting.ts'
