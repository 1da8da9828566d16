/**
 * The same as the browser-safe entry, on a runtime that tells when a thread has stopped: what a dead thread held is
 * then given back.
 *
 * @module
 */
import './thread-host.ts'

export * from '../index.ts'
export { configure } from './configure.ts'
