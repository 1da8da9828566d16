// A stretch of shared bytes, for what is neither a ring nor a scratch: the slots of datagrams, the metadata.
//
//   0     kind, generation, length
//   640   members
//   1152  bytes

import { INVALID, OUT_OF_MEMORY } from '../codes'
import { GRANULE_BYTES, GRANULE_SHIFT, KIND_BUFFER, KIND_OFFSET, MEMBERS_BYTES, MEMBERS_OFFSET } from '../layout'
import { allocate, isKind, publish } from './granules'
import { firstMember } from './members'
import { isAlive } from './threads'

export const BUFFER_LENGTH_OFFSET: usize = 8 // u32
export const BUFFER_DATA_OFFSET: usize = 1152
if (BUFFER_DATA_OFFSET < MEMBERS_OFFSET + MEMBERS_BYTES) ERROR('the bytes begin among the members')

const MAX_BYTES: u32 = 1 << 28

export function isBuffer(address: u32, generation: u32): bool {
  return isKind(address, generation, KIND_BUFFER)
}
@inline export function bufferLength(buffer: usize): u32 { return load<u32>(buffer + BUFFER_LENGTH_OFFSET) }

/** `bytes` zeros: the address, or why not. */
export function bufferCreate(token: u32, bytes: u32): i32 {
  if (!isAlive(token) || bytes == 0 || bytes > MAX_BYTES) return INVALID
  const address = allocate((<u32>BUFFER_DATA_OFFSET + bytes + GRANULE_BYTES - 1) >> GRANULE_SHIFT, token)
  if (address == 0) return OUT_OF_MEMORY
  const buffer = <usize>address
  memory.fill(buffer + BUFFER_DATA_OFFSET, 0, bytes)
  store<u32>(buffer + BUFFER_LENGTH_OFFSET, bytes)
  store<u32>(buffer + KIND_OFFSET, KIND_BUFFER)
  firstMember(address, token)
  publish(address)
  return address
}
