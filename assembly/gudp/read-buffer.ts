// STUB until the merge: consumers' side comes from another hand.
import { load64, store64 } from '../atomics'
import { IN_BYTES_OFFSET, IN_DATA_OFFSET, IN_HEAD_OFFSET, IN_TAIL_OFFSET, recordBytes } from './descriptor'
import { copyIn } from './ring-bytes'

export function readRoom(lane: usize): u32 {
  return load<u32>(lane + IN_BYTES_OFFSET) - <u32>(load<u64>(lane + IN_TAIL_OFFSET) - load64(lane + IN_HEAD_OFFSET))
}
export function readPut(connection: usize, lane: usize, from: usize, bytes: u32): bool {
  if (readRoom(lane) < recordBytes(bytes)) return false
  const data = connection + load<u32>(lane + IN_DATA_OFFSET)
  const size = load<u32>(lane + IN_BYTES_OFFSET)
  const tail = load<u64>(lane + IN_TAIL_OFFSET)
  store<u32>(data + <u32>(tail % size), bytes)
  copyIn(data, size, tail + 4, from, bytes)
  readPublish(connection, lane, tail + recordBytes(bytes))
  return true
}
export function readPublish(connection: usize, lane: usize, tail: u64): void { store64(lane + IN_TAIL_OFFSET, tail) }
export function readEnd(connection: usize, lane: usize): void {}
