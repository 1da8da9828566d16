import { store64 } from '../atomics'
import { OUT_HEAD_OFFSET } from './descriptor'
export function sendFreed(connection: usize, lane: usize, head: u64): void { store64(lane + OUT_HEAD_OFFSET, head) }
export function sendEnd(connection: usize, lane: usize): void {}
