// Packets that come in fragments. Each is put together in a run of granules that the daemon's thread has in the making (BUILDING): freed by whoever
// buries the thread, should it die. Bounded in number, in bytes, and in time.
//
//   0    kind (0: none of the region's kinds) · generation
//   8    sequence · count · fragments there · bytes of the last · since (f64) · a bit for each fragment (32 bytes)
//   96   the body

import { load64 } from '../atomics'
import { GRANULE_SHIFT, KIND_OFFSET } from '../layout'
import { allocate, entryOf, freeRunOf, generationOf, granuleOf } from '../region/granules'
import { granulesFor } from '../sockets/descriptor'
import { isNewer } from './sequence'
import { FRAGMENT_BYTES_OFFSET, REASSEMBLY_BYTES_OFFSET } from './descriptor'
import {
  ASSEMBLIES_EXPIRED, ASSEMBLIES_OFFSET, ASSEMBLIES_REFUSED, ASSEMBLY_BYTES_OFFSET, MOST_ASSEMBLIES, count,
} from './state'

const SEQUENCE_OFFSET: usize = 8
const COUNT_OFFSET: usize = 12
const THERE_OFFSET: usize = 16
const LAST_BYTES_OFFSET: usize = 20
const SINCE_OFFSET: usize = 24
const BITS_OFFSET: usize = 32
const BODY_OFFSET: usize = 96

/** A packet whose fragments do not all come in this time never will. */
export const ASSEMBLY_MS: f64 = 1000

export const FRAGMENT_TAKEN: i32 = 0
export const FRAGMENT_COMPLETE: i32 = 1
export const FRAGMENT_TWICE: i32 = 2
export const FRAGMENT_BAD: i32 = 3
export const FRAGMENT_REFUSED: i32 = 4

@inline function placeOf(connection: usize, index: u32): usize { return connection + ASSEMBLIES_OFFSET + (<usize>index << 2) }
@inline export function bodyOf(assembly: usize): usize { return assembly + BODY_OFFSET }
@inline function sizeOf(connection: usize, fragments: u32): u32 {
  return <u32>BODY_OFFSET + fragments * load<u32>(connection + FRAGMENT_BYTES_OFFSET)
}
export function bodyBytes(connection: usize, assembly: usize): u32 {
  const fragments = load<u32>(assembly + COUNT_OFFSET)
  return (fragments - 1) * load<u32>(connection + FRAGMENT_BYTES_OFFSET) + load<u32>(assembly + LAST_BYTES_OFFSET)
}

/** The place of the packet with that sequence, or MOST_ASSEMBLIES. */
export function assemblyIndex(connection: usize, sequence: u32): u32 {
  for (let index: u32 = 0; index < MOST_ASSEMBLIES; index++) {
    const assembly = <usize>load<u32>(placeOf(connection, index))
    if (assembly != 0 && load<u32>(assembly + SEQUENCE_OFFSET) == sequence) return index
  }
  return MOST_ASSEMBLIES
}

@inline export function assemblyAt(connection: usize, index: u32): usize { return load<u32>(placeOf(connection, index)) }

/** Puts the fragment in its place. The caller has seen that the packet may still be taken. */
export function assemble(
  connection: usize, token: u32, nowMs: f64, sequence: u32, index: u32, fragments: u32, from: usize, bytes: u32,
): i32 {
  let place = assemblyIndex(connection, sequence)
  if (place == MOST_ASSEMBLIES) {
    place = startAssembly(connection, token, nowMs, sequence, fragments)
    if (place == MOST_ASSEMBLIES) {
      count(connection, ASSEMBLIES_REFUSED)
      return FRAGMENT_REFUSED
    }
  }
  const assembly = assemblyAt(connection, place)
  if (load<u32>(assembly + COUNT_OFFSET) != fragments) return FRAGMENT_BAD
  const bits = assembly + BITS_OFFSET + <usize>(index >> 3)
  const bit = <u32>1 << (index & 7)
  if ((<u32>load<u8>(bits) & bit) != 0) return FRAGMENT_TWICE
  store<u8>(bits, <u8>(<u32>load<u8>(bits) | bit))
  memory.copy(bodyOf(assembly) + <usize>index * load<u32>(connection + FRAGMENT_BYTES_OFFSET), from, bytes)
  if (index == fragments - 1) store<u32>(assembly + LAST_BYTES_OFFSET, bytes)
  const there = load<u32>(assembly + THERE_OFFSET) + 1
  store<u32>(assembly + THERE_OFFSET, there)
  return there == fragments ? FRAGMENT_COMPLETE : FRAGMENT_TAKEN
}

function freePlace(connection: usize): u32 {
  let place: u32 = 0
  while (place < MOST_ASSEMBLIES && assemblyAt(connection, place) != 0) place++
  return place
}

function oldestPlace(connection: usize): u32 {
  let oldest = MOST_ASSEMBLIES
  for (let place: u32 = 0; place < MOST_ASSEMBLIES; place++) {
    const assembly = assemblyAt(connection, place)
    if (assembly == 0) continue
    if (oldest == MOST_ASSEMBLIES || isNewer(load<u32>(assemblyAt(connection, oldest) + SEQUENCE_OFFSET), load<u32>(assembly + SEQUENCE_OFFSET))) {
      oldest = place
    }
  }
  return oldest
}

/**
 * What is older goes for what is newer: of a packet whose fragment got lost nobody knows, and the newest are those that can still be acknowledged
 * when they are whole.
 */
function startAssembly(connection: usize, token: u32, nowMs: f64, sequence: u32, fragments: u32): u32 {
  expireAssemblies(connection, nowMs)
  const bytes = sizeOf(connection, fragments)
  const most = load<u32>(connection + REASSEMBLY_BYTES_OFFSET)
  if (bytes > most) return MOST_ASSEMBLIES
  let place = freePlace(connection)
  while (place == MOST_ASSEMBLIES || load<u32>(connection + ASSEMBLY_BYTES_OFFSET) + bytes > most) {
    const oldest = oldestPlace(connection)
    if (oldest == MOST_ASSEMBLIES || !isNewer(sequence, load<u32>(assemblyAt(connection, oldest) + SEQUENCE_OFFSET))) return MOST_ASSEMBLIES
    count(connection, ASSEMBLIES_EXPIRED)
    dropAssembly(connection, oldest)
    place = freePlace(connection)
  }
  const address = allocate(granulesFor(bytes), token)
  if (address == 0) return MOST_ASSEMBLIES
  const assembly = <usize>address
  store<u32>(assembly + KIND_OFFSET, 0)
  memory.fill(assembly + SEQUENCE_OFFSET, 0, BODY_OFFSET - SEQUENCE_OFFSET)
  store<u32>(assembly + SEQUENCE_OFFSET, sequence)
  store<u32>(assembly + COUNT_OFFSET, fragments)
  store<f64>(assembly + SINCE_OFFSET, nowMs)
  store<u32>(placeOf(connection, place), address)
  store<u32>(connection + ASSEMBLY_BYTES_OFFSET, load<u32>(connection + ASSEMBLY_BYTES_OFFSET) + bytes)
  return place
}

/** Its body is not wanted any more. */
export function dropAssembly(connection: usize, index: u32): void {
  const assembly = assemblyAt(connection, index)
  if (assembly == 0) return
  const bytes = sizeOf(connection, load<u32>(assembly + COUNT_OFFSET))
  store<u32>(connection + ASSEMBLY_BYTES_OFFSET, load<u32>(connection + ASSEMBLY_BYTES_OFFSET) - bytes)
  store<u32>(placeOf(connection, index), 0)
  const granule = granuleOf(<u32>assembly)
  freeRunOf(granule, generationOf(load64(entryOf(granule))))
}

export function dropAssemblies(connection: usize): void {
  for (let index: u32 = 0; index < MOST_ASSEMBLIES; index++) dropAssembly(connection, index)
}

/** Gives up what is too old. Answers when the next one will be. */
export function expireAssemblies(connection: usize, nowMs: f64): f64 {
  let next: f64 = Infinity
  if (load<u32>(connection + ASSEMBLY_BYTES_OFFSET) == 0) return next
  for (let index: u32 = 0; index < MOST_ASSEMBLIES; index++) {
    const assembly = assemblyAt(connection, index)
    if (assembly == 0) continue
    const atMs = load<f64>(assembly + SINCE_OFFSET) + ASSEMBLY_MS
    if (atMs <= nowMs) {
      count(connection, ASSEMBLIES_EXPIRED)
      dropAssembly(connection, index)
    } else {
      next = min(next, atMs)
    }
  }
  return next
}

if (BODY_OFFSET >= <usize>1 << GRANULE_SHIFT) ERROR('the head of an assembly is longer than a granule')
