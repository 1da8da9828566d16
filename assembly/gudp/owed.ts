// Whom the daemon has still to tell, a bit in each lane; its own, nobody else looks.

import { OWES_OFFSET } from './descriptor'

export const OWED_TO_CONSUMERS: u32 = 1 // records were published
export const OWED_TO_SENDERS: u32 = 2 //   bytes were freed

@inline export function owe(lane: usize, whom: u32): void { store<u32>(lane + OWES_OFFSET, load<u32>(lane + OWES_OFFSET) | whom) }

@inline export function takeOwed(lane: usize): u32 {
  const owed = load<u32>(lane + OWES_OFFSET)
  if (owed != 0) store<u32>(lane + OWES_OFFSET, 0)
  return owed
}
