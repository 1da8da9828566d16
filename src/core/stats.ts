import type { Region } from './region.ts'

/**
 * The ledger of a ring. At every quiet moment `offered = written + dropped + oversize` and
 * `written = read + missed + depth`.
 */
export interface DiodeStats {
  /** Records given to `set`, or committed. */
  offered: number
  written: number
  /** Refused: the ring was full under `drop-newest`, or this endpoint was closed. */
  dropped: number
  /** Refused: longer than `capacityBytes`. */
  oversize: number
  read: number
  /** Written, and lost to the reader: overwritten under `drop-oldest`, or in the hand of a reader that died. */
  missed: number
  /** Waiting in the ring, and their payload bytes. */
  depth: number
  depthBytes: number
  capacity: number
  capacityBytes: number
}

/** Reads what `ringStats` or `pollerStats` left in the mailbox. */
export function readStats(region: Region, capacity: number, recordBytes: number): DiodeStats {
  const at = region.mailStats
  const field = (index: number) => region.f64[at + index]!
  const [written, dropped, oversize] = [field(0), field(1), field(2)]
  const lanes = Math.max(1, field(7))
  return {
    offered: written + dropped + oversize,
    written,
    dropped,
    oversize,
    read: field(3),
    missed: field(4),
    depth: field(5),
    depthBytes: field(6),
    capacity: capacity * lanes,
    capacityBytes: capacity * recordBytes * lanes,
  }
}
