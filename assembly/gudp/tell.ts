// The daemon tells whoever waits at a connection, once for all that happened to it in a turn of its loop.
//
// A wake-up is a system call, and the thread that it wakes goes through its own loop for it: with one for each packet they take longer than all
// the rest. Nothing is lost by being told later. The stores of `readPublish` and `sendFreed` come before the load of the set's bits here, as they do
// when it is told at once; who enters a wait set (the `or` in `waitSetEnter`, which pairs with that load) looks once more before sleeping. So it sees what was
// published, or is in the set when it is told. A daemon that dies in between is told of by `depart`, which rings every bell; and the end of a
// connection wakes all, told or not.

import { INVALID, STALE } from '../codes'
import { isAlive } from '../region/threads'
import { DAEMON_OFFSET, checkedLane, isConnection, lanesOf } from './descriptor'
import { OWED_TO_CONSUMERS, OWED_TO_SENDERS, takeOwed } from './owed'
import { readTell } from './read-buffer'
import { sendTell } from './send-buffer'

/** After the machine, or `lanePut` and `laneFree`, have been at work; before the daemon sleeps. */
export function connectionTell(address: u32, generation: u32, token: u32): i32 {
  if (!isConnection(address, generation)) return STALE
  const connection = <usize>address
  if (!isAlive(token) || load<u32>(connection + DAEMON_OFFSET) != token) return INVALID
  const lanes = lanesOf(connection)
  for (let i: u32 = 0; i < lanes; i++) {
    const lane = checkedLane(connection, i)
    if (lane == 0) continue
    const owed = takeOwed(lane)
    if ((owed & OWED_TO_CONSUMERS) != 0) readTell(connection, lane)
    if ((owed & OWED_TO_SENDERS) != 0) sendTell(connection, lane)
  }
  return 0
}
