import { load32 } from '../atomics'
import { INVALID, OUT_OF_MEMORY } from '../codes'
import {
  FIRST_GRANULE_OFFSET, GRANULES_OFFSET, GRANULE_SHIFT, LAYOUT_VERSION, MAGIC_OFFSET, REGION_ID_OFFSET, REGION_MAGIC,
  SEARCH_FROM_OFFSET, TABLE_OFFSET, TOP_GRANULE_OFFSET, VERSION_OFFSET,
} from '../layout'
import { RESERVED, entry, entryOf } from './granules'

const GRANULES_PER_PAGE: u32 = 1 << (16 - GRANULE_SHIFT)

/** Makes a region of fresh, zeroed memory. Its maker calls this once, before anybody else has the memory. */
export function regionInit(maximumPages: u32, id: f64): i32 {
  if (maximumPages == 0 || maximumPages > 32768 || regionVersion() != 0) return INVALID
  const granules = maximumPages * GRANULES_PER_PAGE
  const reserved = (<u32>TABLE_OFFSET + granules * 8 + (1 << GRANULE_SHIFT) - 1) >> GRANULE_SHIFT
  const pages = <i32>(((reserved << GRANULE_SHIFT) + 0xffff) >> 16)
  if (memory.size() < pages && memory.grow(pages - memory.size()) < 0) return OUT_OF_MEMORY
  store<u32>(VERSION_OFFSET, LAYOUT_VERSION)
  store<u32>(GRANULES_OFFSET, granules)
  store<u32>(FIRST_GRANULE_OFFSET, reserved)
  store<f64>(REGION_ID_OFFSET, id)
  store<u32>(SEARCH_FROM_OFFSET, reserved)
  store<u32>(TOP_GRANULE_OFFSET, reserved)
  for (let granule: u32 = 0; granule < reserved; granule++) store<u64>(entryOf(granule), entry(RESERVED, 0, 0))
  store<u32>(MAGIC_OFFSET, REGION_MAGIC)
  return 0
}

/** The layout's version, or 0 where the memory is not a region. */
export function regionVersion(): u32 {
  return load32(MAGIC_OFFSET) == REGION_MAGIC ? load<u32>(VERSION_OFFSET) : 0
}

/** What tells one region from another: a thread that gets the same memory twice must know it. */
export function regionId(): f64 {
  return load<f64>(REGION_ID_OFFSET)
}
