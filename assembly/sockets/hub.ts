// The hub: where the server finds the channels that want something of it.
//
//   Client:  mark: set the channel's bit in `ready`, set the bit of that word in the summary, ring the server's bell
//   Server:  ack: take a bit of `ready` away, and serve the channel; ackUndo: set it again, when there is more to do than
//            is this channel's turn
//            ackWait: arm the bell, look at the summary, and sleep
//
// No mark is lost. The server takes the summary's bit away only when it finds the word empty, and then looks at the word once more:
// a client sets the word's bit first, so it either is seen there, or sets the summary's bit after it was taken away. The
// channel's bit is taken away *before* the channel is looked at. The bell is armed before the summary is looked at, and rung
// after it was set.
// A client that dies between two of these steps loses only what it wanted itself; `departures` tells the server to look for
// channels without an owner. One that dies within its ring leaves a bell that nobody else rings: until its departure is told,
// which wakes also who does not seem to sleep (bellWake).
// The bits go round: the search begins behind the channel that was served last, so that each gets its turn.

import { and32, cas32, cas64, load32, load64, or32, store32, store64, wakeAll } from '../atomics'
import { EMPTY, INVALID, OUT_OF_MEMORY, STALE } from '../codes'
import { DEPARTURES_OFFSET, KIND_CHANNEL, KIND_HUB, KIND_OFFSET, MAILBOX_SPAN_OFFSET } from '../layout'
import { allocate, isKind, isLive, publish } from '../region/granules'
import { enlist, firstMember, handleOf, strike } from '../region/members'
import { depart, isAlive, isGone, scratchOf, threadBell } from '../region/threads'
import { bellArm, bellRing } from '../sync/bell'
import { GONE, OTHER_VERSION, TOO_MANY_CHANNELS } from './codes'
import {
  CHANNEL_INDEX_OFFSET, HUB_CHANNELS_OFFSET, HUB_CURSOR_OFFSET, HUB_ENDED, HUB_ID_OFFSET, HUB_OPEN, HUB_READY_OFFSET, HUB_SEARCH_OFFSET,
  HUB_SERVER_OFFSET, HUB_STARTING, HUB_STATUS_OFFSET, HUB_STOPPED, HUB_SUMMARY_OFFSET, HUB_TOP_OFFSET, HUB_VERSION_OFFSET,
  MAX_CHANNELS, OWNER_OFFSET, channelShape, granulesFor, isHub,
} from './descriptor'

@inline function channelsOf(hub: usize): u32 { return min(load<u32>(hub + HUB_CHANNELS_OFFSET), MAX_CHANNELS) }
@inline function readyAt(hub: usize, word: u32): usize { return hub + HUB_READY_OFFSET + (<usize>word << 2) }
@inline function summaryAt(hub: usize, word: u32): usize { return hub + HUB_SUMMARY_OFFSET + (<usize>(word >> 5) << 2) }
@inline function tableOffset(channels: u32): usize { return HUB_READY_OFFSET + <usize>(channels >> 3) }
@inline function placeAt(hub: usize, index: u32): usize {
  return hub + tableOffset(channelsOf(hub)) + (<usize>index << 3)
}

/** A hub for up to `channels` channels (a multiple of 64). Its address, or why not. */
export function hubCreate(token: u32, channels: u32, version: u32, id: f64): i32 {
  if (!isAlive(token) || channels == 0 || channels > MAX_CHANNELS || (channels & 63) != 0) return INVALID
  const bytes = <u32>tableOffset(channels) + channels * 8
  const address = allocate(granulesFor(bytes), token)
  if (address == 0) return OUT_OF_MEMORY
  const hub = <usize>address
  memory.fill(hub + 8, 0, bytes - 8)
  store<u32>(hub + HUB_VERSION_OFFSET, version)
  store<u32>(hub + HUB_CHANNELS_OFFSET, channels)
  store<f64>(hub + HUB_ID_OFFSET, id)
  store<u32>(hub + KIND_OFFSET, KIND_HUB)
  firstMember(address, token)
  publish(address)
  return address
}

// ---- status: starting, open, stopped; and gone with its thread ---------------------------------------------

/** The calling thread serves from here on; nobody else ever does. */
export function hubServe(address: u32, generation: u32, token: u32): i32 {
  if (!isHub(address, generation)) return STALE
  if (!isAlive(token)) return INVALID
  if (cas32(<usize>address + HUB_SERVER_OFFSET, 0, token) != 0) return INVALID
  return cas32(<usize>address + HUB_STATUS_OFFSET, HUB_STARTING, HUB_OPEN) == HUB_STARTING ? 0 : GONE
}

/** For good: nothing new is served. All who wait for the server are woken, and find it so. */
export function hubStop(address: u32, generation: u32): i32 {
  if (!isHub(address, generation)) return STALE
  const at = <usize>address + HUB_STATUS_OFFSET
  if (cas32(at, HUB_OPEN, HUB_STOPPED) != HUB_OPEN) cas32(at, HUB_STARTING, HUB_STOPPED) // pairs with the load in isServed
  depart()
  return 0
}

/** What was sent before it was stopped is sent: whoever waits for that at the status is woken. */
export function hubEnd(address: u32, generation: u32): i32 {
  if (!isHub(address, generation)) return STALE
  store32(<usize>address + HUB_STATUS_OFFSET, HUB_ENDED)
  wakeAll(<usize>address + HUB_STATUS_OFFSET)
  return 0
}

/** Whether somebody serves it. */
export function isServed(hub: usize): bool {
  return load32(hub + HUB_STATUS_OFFSET) == HUB_OPEN && !isGone(load32(hub + HUB_SERVER_OFFSET))
}

/** What a client of that version finds: 0, or why it cannot be one. */
export function hubHello(address: u32, generation: u32, version: u32): i32 {
  if (!isHub(address, generation)) return STALE
  if (version != load<u32>(<usize>address + HUB_VERSION_OFFSET)) return OTHER_VERSION
  return isServed(address) ? 0 : GONE
}

// ---- the table -----------------------------------------------------------------------------------------

/**
 * Gives the channel, which the caller is in, a place. Its index, or TOO_MANY_CHANNELS. The server is in it from here on, though it knows
 * of it only later: what the client says before it leaves is heard. (A client that is killed in the last step, when the server has stopped
 * already, leaves the channel's memory taken until the server's thread ends.)
 */
export function hubAdd(address: u32, generation: u32, channel: u32, channelGeneration: u32): i32 {
  if (!isHub(address, generation) || !isKind(channel, channelGeneration, KIND_CHANNEL)) return STALE
  const hub = <usize>address
  const channels = channelsOf(hub)
  const handle = handleOf(channel, channelGeneration)
  const from = load32(hub + HUB_SEARCH_OFFSET)
  for (let i: u32 = 0; i < channels; i++) {
    const index = (from + i) % channels
    const place = placeAt(hub, index)
    if (load64(place) != 0) continue
    raiseTop(hub, index + 1) // before the place is taken: a walk must meet every channel there is
    store<u32>(<usize>channel + CHANNEL_INDEX_OFFSET, index)
    if (cas64(place, 0, handle) != 0) continue
    store32(hub + HUB_SEARCH_OFFSET, index + 1)
    const server = load32(hub + HUB_SERVER_OFFSET)
    enlist(channel, server)
    // One that has stopped may have walked the table before, and one that has died may be buried already.
    if (!isServed(hub)) strike(channel, server)
    return index
  }
  return TOO_MANY_CHANNELS
}

/** The server itself puts an object of its own at a place that it knows to be free: it alone gives places in such a hub. */
export function hubPut(address: u32, generation: u32, index: u32, object: u32, objectGeneration: u32): i32 {
  if (!isHub(address, generation) || !isLive(object, objectGeneration)) return STALE
  if (index >= channelsOf(address)) return INVALID
  raiseTop(address, index + 1)
  store64(placeAt(address, index), handleOf(object, objectGeneration))
  return 0
}

function raiseTop(hub: usize, top: u32): void {
  let seen = load32(hub + HUB_TOP_OFFSET)
  while (seen < top) {
    const found = cas32(hub + HUB_TOP_OFFSET, seen, top)
    if (found == seen) return
    seen = found
  }
}

/** The server is done with the channel at `index`. */
export function hubRemove(address: u32, generation: u32, index: u32): i32 {
  if (!isHub(address, generation)) return STALE
  const hub = <usize>address
  if (index >= channelsOf(hub)) return INVALID
  store64(placeAt(hub, index), 0)
  if (index < load32(hub + HUB_SEARCH_OFFSET)) store32(hub + HUB_SEARCH_OFFSET, index)
  return 0
}

/** Leaves the handle at `index` in the mailbox of the thread: zeros where there is none. */
function tellChannel(hub: usize, index: u32, scratch: usize): void {
  store<u64>(scratch + MAILBOX_SPAN_OFFSET, load64(placeAt(hub, index)))
}

/**
 * The first index from `from` on whose channel's owner is gone, or which is gone itself, and once the server has stopped any channel;
 * EMPTY when there is none.
 */
export function hubOrphan(address: u32, generation: u32, token: u32, from: u32): i32 {
  if (!isHub(address, generation)) return STALE
  const scratch = scratchOf(token)
  if (scratch == 0) return INVALID
  const hub = <usize>address
  const top = min(load32(hub + HUB_TOP_OFFSET), channelsOf(hub))
  const isOver = load32(hub + HUB_STATUS_OFFSET) >= HUB_STOPPED
  for (let index = from; index < top; index++) {
    const handle = load64(placeAt(hub, index))
    if (handle == 0) continue
    const isThere = channelShape(<u32>handle, <u32>(handle >> 32)) != 0
    if (isThere && !isOver && !isGone(load32(<usize>(<u32>handle) + OWNER_OFFSET))) continue
    tellChannel(hub, index, scratch)
    return index
  }
  return EMPTY
}

// ---- ready channels ------------------------------------------------------------------------------------

/** The channel at `index` wants something. */
export function mark(hub: usize, index: u32): void {
  if (index >= channelsOf(hub)) return
  setReady(hub, index)
  bellRing(threadBell(load32(hub + HUB_SERVER_OFFSET)))
}

function setReady(hub: usize, index: u32): void {
  const word = index >> 5
  or32(readyAt(hub, word), 1 << (index & 31))
  or32(summaryAt(hub, word), 1 << (word & 31)) // after the word; pairs with the second look in hubAck
}

/** A channel that wants something: its index, which wants nothing any more; its handle is in the mailbox. EMPTY: none does. */
export function hubAck(address: u32, generation: u32, token: u32): i32 {
  if (!isHub(address, generation)) return STALE
  const scratch = scratchOf(token)
  if (scratch == 0) return INVALID
  const hub = <usize>address
  const channels = channelsOf(hub)
  const from = load<u32>(hub + HUB_CURSOR_OFFSET)
  // From the cursor to the end, from the start, and the cursor's word once more for what lies in it before the cursor.
  let index = search(hub, from < channels ? from : 0, channels)
  if (index == channels) index = search(hub, 0, channels)
  if (index == channels) return EMPTY
  and32(readyAt(hub, index >> 5), ~(<u32>1 << (index & 31)))
  store<u32>(hub + HUB_CURSOR_OFFSET, index + 1)
  tellChannel(hub, index, scratch)
  return index
}

/** The first index from `from` on that is ready, or `channels`. Words that are empty leave the summary. */
function search(hub: usize, from: u32, channels: u32): u32 {
  const words = channels >> 5
  let hidden = (<u32>1 << (from & 31)) - 1 // bits of the first word that lie before
  for (let word = from >> 5; word < words; word++, hidden = 0) {
    const summary = load32(summaryAt(hub, word))
    const bit = <u32>1 << (word & 31)
    if ((summary & bit) == 0) {
      if (summary >> (word & 31) == 0) word |= 31 // nothing more in this word of the summary
      continue
    }
    let bits = load32(readyAt(hub, word))
    if (bits == 0) {
      and32(summaryAt(hub, word), ~bit)
      bits = load32(readyAt(hub, word)) // once more: pairs with the second `or` in setReady
      if (bits != 0) or32(summaryAt(hub, word), bit)
    }
    bits &= ~hidden
    if (bits != 0) return (word << 5) + ctz(bits)
  }
  return channels
}

/** It wants more than was its turn. */
export function hubAckUndo(address: u32, generation: u32, index: u32): i32 {
  if (!isHub(address, generation)) return STALE
  if (index >= channelsOf(address)) return INVALID
  setReady(address, index)
  return 0
}

/** Before the server sleeps: 0 when there is something to do, else the word to wait for at its bell. */
export function hubAckWait(address: u32, generation: u32, token: u32, departures: u32): i32 {
  if (!isHub(address, generation) || !isAlive(token)) return 0
  const hub = <usize>address
  const word = bellArm(threadBell(token)) // before the looks; pairs with the load in bellRing
  if (load32(DEPARTURES_OFFSET) != departures || load32(hub + HUB_STATUS_OFFSET) >= HUB_STOPPED) return 0
  const words = channelsOf(hub) >> 5
  for (let at: u32 = 0; at < words; at += 32) {
    if (load32(summaryAt(hub, at)) != 0) return 0
  }
  return word
}

/** How many threads have left so far: when it changes, channels may have lost their owner. */
export function departures(): u32 { return load32(DEPARTURES_OFFSET) }

/** Address of the bell at which the thread sleeps, for `Atomics.wait`. */
export function bellAddress(token: u32): u32 { return <u32>threadBell(token) }

/** Arms the bell of the thread that is about to look at several channels: the word to wait for. */
export function threadArm(token: u32): i32 { return isAlive(token) ? bellArm(threadBell(token)) : 0 }

/** Wakes the thread: what it waits for by other means may be there. */
export function ringThread(token: u32): void { bellRing(threadBell(token)) }

