// Bugs to plant in the core, each by one change of one line or two of the source. The model checker proves itself on them:
// every one must be found. `npm run replay -- --list` shows them. Those with `race` are data races and nothing else: every interleaving of them
// is right, and a machine whose memory is weaker than that is not bound to one.

/**
 * @typedef {{ file: string, find: string, replace: string }} Change
 * @typedef {{ name: string, what: string, changes: Change[], scenario: string, kills?: 0 | 1, race?: RegExp }} Plant
 */

/** @type {Plant[]} */
export const plants = [
  {
    name: 'missing-revalidation',
    what: 'a poller keeps its copy without looking whether the writer had come round to it',
    changes: [
      {
        file: 'diode/pollers.ts',
        find: 'return load64(ring + WIPE_OFFSET) <= position // pairs',
        replace: 'return true // pairs',
      },
    ],
    scenario: 'broadcast-lapped',
  },
  {
    name: 'news-of-what-is-gone',
    what: 'a poller whose record the writer has dropped looks again and again until there is another, which a dead writer never makes',
    changes: [
      {
        file: 'diode/pollers.ts',
        find: 'const next = max(load<u64>(poller + POLLER_POSITION_OFFSET), headOf(ring))',
        replace: 'const next = load<u64>(poller + POLLER_POSITION_OFFSET)',
      },
    ],
    scenario: 'one-to-many/readers=1/capacity=1/events=2',
    kills: 1,
  },
  {
    name: 'publish-before-payload',
    what: 'the tail moves before the bytes are there',
    changes: [
      {
        file: 'diode/lane-writer.ts',
        find: `  memory.copy(recordAt(lane, position) + HEADER_BYTES, scratch + SCRATCH_DATA_OFFSET, bytes)
  publishRecord(lane, position, bytes)
`,
        replace: `  publishRecord(lane, position, bytes)
  memory.copy(recordAt(lane, position) + HEADER_BYTES, scratch + SCRATCH_DATA_OFFSET, bytes)
`,
      },
    ],
    scenario: 'lane-oldest',
  },
  {
    name: 'intent-after-overwrite',
    what: 'the writer says what it overwrites when it has done so',
    changes: [
      { file: 'diode/lane-writer.ts', find: 'if (isBroadcast(lane)) announce(lane, end)\n', replace: '\n' },
      {
        file: 'diode/lane-writer.ts',
        find: `  publishRecord(lane, position, bytes)
  return 0
}

/** Address of`,
        replace: `  publishRecord(lane, position, bytes)
  if (isBroadcast(lane)) announce(lane, load<u64>(lane + TAIL_OFFSET) + HEADER_BYTES)
  return 0
}

/** Address of`,
      },
    ],
    scenario: 'broadcast-lapped',
  },
  {
    name: 'tail-published-plainly',
    what: 'the writer publishes a record by a plain store, which may be seen before the bytes are',
    changes: [
      {
        file: 'diode/lane-writer.ts',
        find: 'store64(lane + TAIL_OFFSET, end) // publishes',
        replace: 'store<u64>(lane + TAIL_OFFSET, end) // publishes',
      },
    ],
    scenario: 'lane-newest-short',
    race: /i64\.store\/8 at \d+ in \S*(publishRecord|laneSet)\b/,
  },
  {
    name: 'released-plainly',
    what: 'the reader lets go of its hand by a plain store, which may be seen before it has read the bytes',
    changes: [
      {
        file: 'diode/lane-reader.ts',
        find: 'store64(lane + RELEASED_OFFSET, at) // after the last read',
        replace: 'store<u64>(lane + RELEASED_OFFSET, at) // after the last read',
      },
    ],
    scenario: 'lane-hole-newest',
    race: /i64\.store\/8 at \d+ in \S*release\b/,
  },
  {
    name: 'wiped-plainly',
    what: 'the writer announces what it overwrites by a plain store, which may be seen after the bytes are',
    changes: [
      {
        file: 'diode/lane-writer.ts',
        find: 'store64(lane + WIPE_OFFSET, ahead < head ? ahead : head)',
        replace: 'store<u64>(lane + WIPE_OFFSET, ahead < head ? ahead : head)',
      },
    ],
    scenario: 'broadcast-lapped',
    race: /i64\.store\/8 at \d+ in \S*(announce|place)\b/,
  },
  {
    name: 'object-published-plainly',
    what: 'an object becomes alive by a plain store, which may be seen before what was made of it is',
    changes: [
      {
        file: 'region/granules.ts',
        find: 'store64(at, entry(LIVE, 0, generationOf(load64(at))))',
        replace: 'store<u64>(at, entry(LIVE, 0, generationOf(load64(at))))',
      },
    ],
    scenario: 'region-join-while-leaving',
    race: /i64\.store\/8 at \d+ in \S*(publish|statusCreate)\b/,
  },
  {
    name: 'wait-without-recheck',
    what: 'the reader looks, and then arms the bell and sleeps',
    changes: [
      {
        file: 'diode/ring.ts',
        find: `  const word = bellArm(bellOf(ring))
  const kind = load<u32>(ring + KIND_OFFSET)
  if (kind == KIND_MANY_TO_ONE) return anyLaneHasRecords(ring) ? 0 : word
  return hasRecords(ring) || isLeft(ring + WRITER_ROLE_OFFSET) ? 0 : word
`,
        replace: `  if (hasRecords(ring) || isLeft(ring + WRITER_ROLE_OFFSET)) return 0
  return bellArm(bellOf(ring))
`,
      },
    ],
    scenario: 'bell',
  },
  {
    name: 'ring-before-publish',
    what: 'the bell rings before the record is published',
    changes: [
      {
        file: 'diode/lane-writer.ts',
        find: `  store64(lane + TAIL_OFFSET, end) // publishes; pairs with the loads in tryToTake, tryToCopy and pollerNext
  bellRing(bellOf(lane))
`,
        replace: `  bellRing(bellOf(lane))
  store64(lane + TAIL_OFFSET, end)
`,
      },
    ],
    scenario: 'bell-stay',
  },
  {
    name: 'wrap-off-by-one-header',
    what: 'where the tail comes round to the hole, the next header is allowed to lie in it',
    changes: [
      {
        file: 'diode/lane-writer.ts',
        find: '  if (start >= end) return 0\n',
        replace: '  if (start + HEADER_BYTES >= end) return 0\n',
      },
    ],
    scenario: 'lane-hole',
  },
  {
    name: 'capacity-off-by-one',
    what: 'the ring takes one record too many',
    changes: [
      {
        file: 'diode/lane-writer.ts',
        find: 'return records < capacityOf(lane)',
        replace: 'return records <= capacityOf(lane)',
      },
    ],
    scenario: 'lane-newest-short',
  },
  {
    name: 'non-atomic-claim',
    what: 'the reader takes by looking and then moving the head, in two steps',
    changes: [
      {
        file: 'diode/lane-reader.ts',
        find: '  if (cas64(lane + HEAD_OFFSET, head, end) != head) {\n',
        replace: `  if (load64(lane + HEAD_OFFSET) == head) store64(lane + HEAD_OFFSET, end)
  else {
`,
      },
    ],
    scenario: 'lane-oldest',
  },
  {
    name: 'grant-said-too-late',
    what: 'the writer moves the head for a reader, and then says how far',
    changes: [
      {
        file: 'diode/lane-writer.ts',
        find: `  store<u64>(lane + GRANT_END_OFFSET, end) // published by the CAS
  const seen = cas64(lane + HEAD_OFFSET, head | TAKING, end)
`,
        replace: `  const seen = cas64(lane + HEAD_OFFSET, head | TAKING, end)
  store<u64>(lane + GRANT_END_OFFSET, end)
`,
      },
    ],
    scenario: 'lane-full',
  },
  {
    name: 'taking-not-minded',
    what: 'the writer drops the record that a reader has said it is taking',
    changes: [
      {
        file: 'diode/lane-writer.ts',
        find: '  else if (seen == (head | TAKING)) leaveToReader(lane, head, next, (length & SKIP) != 0)\n',
        replace: `  else if (seen == (head | TAKING)) {
    if (cas64(lane + HEAD_OFFSET, seen, next | TAKING) == seen) store<u64>(lane + SEEN_HEAD_OFFSET, next)
  }
`,
      },
    ],
    scenario: 'lane-full',
  },
  {
    name: 'copy-after-taking',
    what: 'the reader moves the head over a record, as if it had copied it, and then copies it',
    changes: [
      {
        file: 'diode/lane-reader.ts',
        find: `  memory.copy(scratch + SCRATCH_DATA_OFFSET, record + HEADER_BYTES, length)
  const end = after(lane, head`,
        replace: '  const end = after(lane, head',
      },
      {
        file: 'diode/lane-reader.ts',
        find: '  store<u64>(lane + NEXT_INDEX_OFFSET, index + 1)\n',
        replace: `  memory.copy(scratch + SCRATCH_DATA_OFFSET, record + HEADER_BYTES, length)
  store<u64>(lane + NEXT_INDEX_OFFSET, index + 1)
`,
      },
    ],
    scenario: 'lane-next-lapped',
  },
  {
    name: 'hole-forgotten',
    what: 'the writer does not mind what the reader has in hand',
    changes: [
      {
        file: 'diode/lane-writer.ts',
        find: 'store<u64>(lane + HOLE_END_OFFSET, released < now ? now : 0)',
        replace: 'store<u64>(lane + HOLE_END_OFFSET, 0)',
      },
    ],
    scenario: 'lane-hole-taken',
  },
  {
    name: 'final-overwritten',
    what: 'working bits are written over a final status',
    changes: [{ file: 'sync/status.ts', find: '    if (isFinal(word)) return false\n', replace: '' }],
    scenario: 'status',
  },
  {
    name: 'granule-taken-twice',
    what: 'the allocator looks and then takes, in two steps',
    changes: [
      {
        file: 'region/granules.ts',
        find: '  if (cas64(entryOf(first), FREE, entry(BUILDING, token, generation)) != FREE) return 0\n',
        replace: `  if (load64(entryOf(first)) != FREE) return 0
  store64(entryOf(first), entry(BUILDING, token, generation))
`,
      },
    ],
    scenario: 'region-makers',
  },
  {
    name: 'run-freed-from-its-front',
    what: 'a thread that dies while it frees a run leaves tails that nobody owns (found by the checker)',
    changes: [
      {
        file: 'region/granules.ts',
        find: '  while (end > first) store64(entryOf(--end), FREE)\n',
        replace: `  for (let granule = first + 1; granule < end; granule++) store64(entryOf(granule), FREE)
  store64(entryOf(first), FREE)
`,
      },
    ],
    scenario: 'region-burial',
    kills: 1,
  },
  {
    name: 'joining-unannounced',
    what: 'a thread writes its member word into a ring that may be gone',
    changes: [
      { file: 'region/members.ts', find: '  store64(joining, handleOf(address, generation))\n', replace: '' },
    ],
    scenario: 'region-join-while-leaving',
  },
  {
    name: 'memberless-ring-left',
    what: 'a thread that dies between striking itself off and freeing the ring leaves it for ever (found by the checker)',
    changes: [
      {
        file: 'region/reaper.ts',
        find: '      retireIfEmpty(address, generation, by) // it may',
        replace: '      // it may',
      },
    ],
    scenario: 'region-makers',
    kills: 1,
  },
  {
    name: 'lane-given-twice',
    what: 'two writers take one lane',
    changes: [
      {
        file: 'diode/roles.ts',
        find: '    if (cas64(role, held, who) == held) return 1\n',
        replace: `    cas64(role, held, who)
    return 1
`,
      },
    ],
    scenario: 'many-join-last',
  },
  {
    name: 'served-what-was-asked-late',
    what: 'the reader serves the tickets given while it drained, too',
    changes: [
      {
        file: 'outlet/flush.ts',
        find: '  store32(served, asked) // pairs',
        replace: '  store32(served, load32(<usize>address + ASKED_OFFSET)) // pairs',
      },
    ],
    scenario: 'flush-two',
  },
  {
    name: 'asked-before-arming',
    what: 'the reader looks whether a flush was asked for, and then arms the bell and sleeps',
    changes: [
      {
        file: 'outlet/flush.ts',
        find: `  const word = ringArm(ring, ringGeneration)
  return load32(<usize>address + ASKED_OFFSET) == asked ? word : 0
`,
        replace: `  if (load32(<usize>address + ASKED_OFFSET) != asked) return 0
  return ringArm(ring, ringGeneration)
`,
      },
    ],
    scenario: 'flush',
  },
  {
    name: 'woken-before-served',
    what: 'who waits for a flush is woken before the ticket is served',
    changes: [
      {
        file: 'outlet/flush.ts',
        find: `  store32(served, asked) // pairs with the load in outletServed
  wakeAll(served)
`,
        replace: `  wakeAll(served)
  store32(served, asked)
`,
      },
    ],
    scenario: 'flush',
  },
  {
    name: 'wake-only-who-is-armed',
    what: 'a thread that dies between the two steps of its ring leaves a sleeper that no flush can wake (found by the checker)',
    changes: [
      {
        file: 'diode/ring.ts',
        find: '  bellWake(bellOf(address))\n',
        replace: '  bellRing(bellOf(address))\n',
      },
    ],
    scenario: 'flush-two',
    kills: 1,
  },
  {
    name: 'closed-looked-at-last',
    what: 'a line is stored, and then refused because the outlet is shut',
    changes: [
      { file: 'outlet/set.ts', find: '  if (isShut(outlet)) return CLOSED\n', replace: '' },
      {
        file: 'outlet/set.ts',
        find: '  return code == 0 && isOver(outlet) ? CLOSED : code\n',
        replace: '  return isShut(outlet) ? CLOSED : code\n',
      },
    ],
    scenario: 'shut',
  },
  {
    name: 'over-not-looked-at',
    what: 'a line is stored after the last look at the ledger, and its writer is told that all is well',
    changes: [
      {
        file: 'outlet/set.ts',
        find: '  return code == 0 && isOver(outlet) ? CLOSED : code\n',
        replace: '  return code\n',
      },
    ],
    scenario: 'shut',
  },
  {
    name: 'released-before-copied',
    what: 'the packer lets go of a line, and then copies it',
    changes: [
      {
        file: 'framing/pack.ts',
        find: '      memory.copy(at, record + HEADER_BYTES, length)\n',
        replace: `      release(lane, 1)
      memory.copy(at, record + HEADER_BYTES, length)
`,
      },
      {
        file: 'framing/pack.ts',
        find: '  release(lane, lines + unfit) // after the last read of the bytes\n',
        replace: '  release(lane, unfit)\n',
      },
    ],
    scenario: 'pack-lapped',
  },
  {
    name: 'stopped-at-a-bare-lane',
    what: 'a lane whose only line has just been dropped ends the packing, with lines in the next one',
    changes: [
      {
        file: 'framing/pack.ts',
        find: `      turnTaken(ring, TURN_RECORDS)
      if (++bare > load<u32>(ring + MAX_WRITERS_OFFSET)) break
`,
        replace: `      break
`,
      },
      { file: 'framing/pack.ts', find: '  let bare: u32 = 0\n', replace: '' },
    ],
    scenario: 'pack-bare',
  },
  {
    name: 'ack-after-look',
    what: 'the server looks whether there is anything, and then says that it wants to be told',
    changes: [
      {
        file: 'sockets/channel.ts',
        find: `  block(channel + SERVER_WAITS_OFFSET, bits) // pairs with the load in tellServer
  let ready: u32 = 0
`,
        replace: `  let ready: u32 = 0
`,
      },
      {
        file: 'sockets/channel.ts',
        find: `  return ready & bits
`,
        replace: `  block(channel + SERVER_WAITS_OFFSET, bits)
  return ready & bits
`,
      },
    ],
    scenario: 'socket-send',
  },
  {
    name: 'drain-before-block',
    what: 'the server makes room before the client says that it waits for some, and the client does not look again',
    changes: [
      {
        file: 'sockets/channel.ts',
        find: '  return readyBits(address, shape, bits, need) == 0 ? word : 0',
        replace: '  return word',
      },
    ],
    scenario: 'socket-stream',
  },
  {
    name: 'unblock-erases-receive',
    what: 'taking back one wait takes back the others',
    changes: [
      {
        file: 'sockets/events.ts',
        find: `{ and32(waits, ~bits) }
`,
        replace: `{ and32(waits, 0) }
`,
      },
    ],
    scenario: 'socket-given-up',
  },
  {
    name: 'oversize-desynchronises',
    what: 'a datagram that is longer than the ring is sent, and nothing behind it is found any more',
    changes: [
      {
        file: 'sockets/datagrams.ts',
        find: `  if (bytes > longestOf(shape, ring)) return OVERSIZE
`,
        replace: `
`,
      },
      {
        file: 'sockets/datagrams.ts',
        find: '  if (bytes > longestOf(shape, ring) || bipartiteClaim',
        replace: '  if (bipartiteClaim',
      },
    ],
    scenario: 'datagrams-oversize',
  },
  {
    name: 'over-read',
    what: 'a read that reaches the end of the data goes on behind it',
    changes: [
      {
        file: 'sockets/streams.ts',
        find: 'min(bytes, mask + 1 - from), 4)',
        replace: 'bytes, 4)',
      },
    ],
    scenario: 'stream',
  },
  {
    name: 'stream-room-off-by-one',
    what: 'the stream takes one byte more than there is room for',
    changes: [
      {
        file: 'ring/stream.ts',
        find: 'return <u32>(size - used)',
        replace: 'return <u32>(size - used) + 1',
      },
    ],
    scenario: 'stream',
  },
  {
    name: 'item-off-by-one-header',
    what: 'an item may reach so far into the oldest one as a header is long',
    changes: [
      {
        file: 'ring/bipartite.ts',
        find: 'FREED_OFFSET) > <u64>mask + 1) {',
        replace: 'FREED_OFFSET) > <u64>mask + 1 + ITEM_HEADER_BYTES) {',
      },
      {
        file: 'ring/bipartite.ts',
        find: 'if (used > <u64>mask + 1 || given',
        replace: 'if (given',
      },
    ],
    scenario: 'datagrams',
  },
  {
    name: 'tail-before-item',
    what: 'the tail moves before the length of the item is there',
    changes: [
      {
        file: 'ring/bipartite.ts',
        find: `  store<u32>(itemAt(data, tail, mask), bytes)
  store64(ring + TAIL_OFFSET, after(tail, bytes, mask)) // publishes; pairs with the load in bipartiteAvailable
`,
        replace: `  store64(ring + TAIL_OFFSET, after(tail, bytes, mask))
  store<u32>(itemAt(data, tail, mask), bytes)
`,
      },
    ],
    scenario: 'datagrams',
  },
  {
    name: 'given-before-read',
    what: 'an item is given back when it is taken in hand, and then read',
    changes: [
      {
        file: 'ring/bipartite.ts',
        find: `    store<u64>(ring + TAKEN_OFFSET, after(taken, itemBytes(item), mask))
`,
        replace: `    store<u64>(ring + TAKEN_OFFSET, after(taken, itemBytes(item), mask))
    store64(ring + GIVEN_OFFSET, after(taken, itemBytes(item), mask))
`,
      },
      {
        file: 'ring/bipartite.ts',
        find: `  if (inHand == 0 || inHand > <u64>mask + 1 || next - given > inHand) return false
`,
        replace: `  if (inHand == 0) return true
`,
      },
    ],
    scenario: 'datagrams',
  },
  {
    name: 'told-before-published',
    what: 'the client is told of a datagram, and then it is published',
    changes: [
      {
        file: 'sockets/datagrams.ts',
        find: `  bipartiteEnqueue(cursors, data, mask, bytes)
  if (tells != 0) tell(address, ring)
`,
        replace: `  if (tells != 0) tell(address, ring)
  bipartiteEnqueue(cursors, data, mask, bytes)
`,
      },
    ],
    scenario: 'socket-receive',
  },
  {
    name: 'armed-after-look',
    what: 'a client looks, and then arms its bell and sleeps',
    changes: [
      {
        file: 'sockets/channel.ts',
        find: `  const word = bellArm(threadBell(token))
  block`,
        replace: '  block',
      },
      {
        file: 'sockets/channel.ts',
        find: '  return readyBits(address, shape, bits, need) == 0 ? word : 0',
        replace: '  return readyBits(address, shape, bits, need) == 0 ? bellArm(threadBell(token)) : 0',
      },
    ],
    scenario: 'socket-receive',
  },
  {
    name: 'server-armed-after-look',
    what: 'the server looks at the summary, and then arms its bell and sleeps',
    changes: [
      {
        file: 'sockets/hub.ts',
        find: `  const word = bellArm(threadBell(token)) // before the looks; pairs with the load in bellRing
`,
        replace: `
`,
      },
      {
        file: 'sockets/hub.ts',
        find: `    if (load32(summaryAt(hub, at)) != 0) return 0
  }
  return word
`,
        replace: `    if (load32(summaryAt(hub, at)) != 0) return 0
  }
  return bellArm(threadBell(token))
`,
      },
    ],
    scenario: 'socket-send',
  },
  {
    name: 'summary-without-second-look',
    what: 'the bit of a word leaves the summary, and the word is not looked at again',
    changes: [
      {
        file: 'sockets/hub.ts',
        find: 'bits = load32(readyAt(hub, word)) // once more',
        replace: 'bits = 0 // once more',
      },
    ],
    scenario: 'socket-send',
  },
  {
    name: 'summary-before-ready',
    what: 'a channel is in the summary before its own bit is set',
    changes: [
      {
        file: 'sockets/hub.ts',
        find: `  or32(readyAt(hub, word), 1 << (index & 31))
  or32(summaryAt(hub, word), 1 << (word & 31)) // after the word; pairs with the second look in hubAck
`,
        replace: `  or32(summaryAt(hub, word), 1 << (word & 31))
  or32(readyAt(hub, word), 1 << (index & 31))
`,
      },
    ],
    scenario: 'socket-send',
  },
  {
    name: 'lost-not-looked-at',
    what: 'a client that sleeps does not mind that the server has stopped',
    changes: [
      {
        file: 'sockets/channel.ts',
        find: '  return hasServer(channel) ? ready : ready | LOST',
        replace: '  return ready',
      },
    ],
    scenario: 'socket-stop',
  },
  {
    name: 'end-before-data',
    what: 'a client that found nothing is told of the end, though the last bytes came in between',
    changes: [
      {
        file: 'sockets/streams.ts',
        find: `    waiting = streamWaiting(cursors, mask)
    if (waiting == 0) return end
`,
        replace: `    if (end != EMPTY) return end
    waiting = streamWaiting(cursors, mask)
    if (waiting == 0) return end
`,
      },
    ],
    scenario: 'socket-end',
  },
  {
    name: 'last-datagram-lost',
    what: 'a client that found nothing is told that the server has gone, though a datagram came in between (found by reading)',
    changes: [
      {
        file: 'sockets/datagrams.ts',
        find: `    if (fault != 0) item = takes ? bipartiteUnpack(cursors, data, mask, longest) : bipartitePeek(cursors, data, mask, longest)
`,
        replace: `
`,
      },
    ],
    scenario: 'socket-stop',
  },
  {
    name: 'last-answer-lost',
    what: 'a client is told that there will be no answer, though it came in between (found by reading)',
    changes: [
      {
        file: 'sockets/channel.ts',
        find: '    if (!hasLeft) return isServed ? EMPTY : GONE',
        replace: '    if (!hasLeft) return hasServer(channel) ? EMPTY : GONE',
      },
    ],
    scenario: 'socket-ask-stop',
  },
  {
    name: 'told-before-departed',
    what: 'the others are woken before a departure is counted, and sleep on',
    changes: [
      { file: 'region/threads.ts', find: '  add32(DEPARTURES_OFFSET, 1)\n', replace: '\n' },
      {
        file: 'region/threads.ts',
        find: `bellWake(threadAt(slot) + THREAD_BELL_OFFSET)
}
`,
        replace: `bellWake(threadAt(slot) + THREAD_BELL_OFFSET)
  add32(DEPARTURES_OFFSET, 1)
}
`,
      },
    ],
    scenario: 'socket-orphan',
  },
  {
    name: 'departure-rings',
    what: 'a client that dies between the two steps of its ring leaves a server that nothing wakes',
    changes: [
      {
        file: 'region/threads.ts',
        find: 'import { bellWake } from',
        replace: 'import { bellRing } from',
      },
      {
        file: 'region/threads.ts',
        find: 'slot++) bellWake(',
        replace: 'slot++) bellRing(',
      },
    ],
    scenario: 'socket-send-two',
    kills: 1,
  },
  {
    name: 'place-given-twice',
    what: 'two clients take one place in the table',
    changes: [
      {
        file: 'sockets/hub.ts',
        find: `    if (cas64(place, 0, handle) != 0) continue
`,
        replace: `    store64(place, handle)
`,
      },
    ],
    scenario: 'hub-add',
  },
  {
    name: 'top-raised-late',
    what: 'a channel stands above the top, where no walk finds it',
    changes: [
      {
        file: 'sockets/hub.ts',
        find: `    raiseTop(hub, index + 1) // before the place is taken: a walk must meet every channel there is
`,
        replace: `
`,
      },
      {
        file: 'sockets/hub.ts',
        find: `    store32(hub + HUB_SEARCH_OFFSET, index + 1)
`,
        replace: `    raiseTop(hub, index + 1)
    store32(hub + HUB_SEARCH_OFFSET, index + 1)
`,
      },
    ],
    scenario: 'hub-add',
  },
  {
    name: 'left-before-found',
    what: 'a channel goes with its client before the server has found it, and with it what the client said last',
    changes: [{ file: 'sockets/hub.ts', find: '    enlist(channel, server)\n', replace: '\n' }],
    scenario: 'socket-visit',
  },
  {
    name: 'added-to-the-stopped',
    what: 'a channel that is added behind the last look of a server that stops keeps it as a member for ever',
    changes: [
      { file: 'sockets/hub.ts', find: '    if (!isServed(hub)) strike(channel, server)\n', replace: '\n' },
    ],
    scenario: 'socket-visit-stop',
  },
  {
    name: 'dead-enlisted',
    what: 'a server that has died is made a member, after its burial',
    changes: [
      { file: 'sockets/hub.ts', find: '    if (!isServed(hub)) strike(channel, server)\n', replace: '\n' },
    ],
    scenario: 'socket-visit-burial',
    kills: 1,
  },
  {
    name: 'reason-missed',
    what: 'a client looks why the socket has failed, and then whether it is closed: it hears of the second only (found so)',
    changes: [
      {
        file: 'sockets/streams.ts',
        find: '  return hasLeft ? GONE : EMPTY\n',
        replace:
          '  return (load32(channel + SERVER_FLAGS_OFFSET) & SERVER_CLOSED) != 0 || hasLeft ? GONE : EMPTY\n',
      },
    ],
    scenario: 'socket-failure',
  },
  {
    name: 'taken-over-from-the-living',
    what: 'a thread takes the lock over without proof that its owner has died',
    changes: [{ file: 'sync/mutex.ts', find: '  if (isAlive(owner)) return OTHERS\n', replace: '\n' }],
    scenario: 'gudp-mutex',
  },
  {
    name: 'lock-of-the-dead',
    what: 'the lock of a thread that has died is not taken over',
    changes: [
      {
        file: 'sync/mutex.ts',
        find: '  return cas32(mutex, owner, token) == owner ? INHERITED : OTHERS\n',
        replace: '  return OTHERS\n',
      },
    ],
    scenario: 'gudp-mutex',
    kills: 1,
  },
  {
    name: 'signalled-the-dead',
    what: 'a signal is spent on a thread that is known to have gone',
    changes: [
      {
        file: 'sync/wait-set.ts',
        find: '  if (member == 0 || isGone(member)) return false\n',
        replace: '\n',
      },
    ],
    scenario: 'gudp-read-killed',
    kills: 1,
  },
  {
    name: 'signal-kept',
    what: 'a consumer that was signalled and gives up keeps the signal for itself',
    changes: [
      {
        file: 'gudp/read-buffer.ts',
        find: '  if (!waitSetLeave(lane + IN_WAITERS_OFFSET, token)) handOn(address, lane)\n',
        replace: '  waitSetLeave(lane + IN_WAITERS_OFFSET, token)\n',
      },
    ],
    scenario: 'gudp-read-given-up',
  },
  {
    name: 'consumer-without-second-look',
    what: 'a consumer looks, and then enters and sleeps',
    changes: [
      {
        file: 'gudp/read-buffer.ts',
        find: '  if (isEmpty(lane)) return over ? 0 : word\n  return mutexMayBeHad(lane + IN_MUTEX_OFFSET) ? 0 : word\n',
        replace: '  return over || mutexMayBeHad(0) ? word : word\n',
      },
    ],
    scenario: 'gudp-read',
  },
  {
    name: 'tail-before-status',
    what: 'a consumer finds nothing, then that it is over, and what came in between is lost',
    changes: [
      {
        file: 'gudp/read-buffer.ts',
        find: `  const none = isOver(address) ? ENDED : EMPTY // before the tail: what came before the end is not missed
  if (isEmpty(lane)) return none
`,
        replace: `  const isNone = isEmpty(lane)
  const none = isOver(address) ? ENDED : EMPTY
  if (isNone) return none
`,
      },
    ],
    scenario: 'gudp-read-end',
  },
  {
    name: 'unlocked-before-head',
    what: 'a consumer unlocks, and then moves the head: another takes the same record',
    changes: [
      {
        file: 'gudp/read-buffer.ts',
        find: `  store64(lane + IN_HEAD_OFFSET, next) // the bytes were read before; pairs with the loads in readRoom and isEmpty
  release(address, lane)
`,
        replace: `  release(address, lane)
  store64(lane + IN_HEAD_OFFSET, next)
`,
      },
    ],
    scenario: 'gudp-read',
  },
  {
    name: 'not-handed-on',
    what: 'a consumer that has taken a record wakes nobody for the next one',
    changes: [
      {
        file: 'gudp/read-buffer.ts',
        find: '  if (!isEmpty(lane)) signalOne(<u32>connection, lane + IN_WAITERS_OFFSET)\n  else if (isOver',
        replace: '  if (isEmpty(lane) && isOver',
      },
    ],
    scenario: 'gudp-read',
  },
  {
    name: 'end-told-to-one',
    what: 'the end of the connection wakes one consumer, who has nothing to hand on',
    changes: [
      {
        file: 'gudp/read-buffer.ts',
        find: `export function readEnd(connection: usize, lane: usize): void {
  signalAll(`,
        replace: `export function readEnd(connection: usize, lane: usize): void {
  signalOne(`,
      },
    ],
    scenario: 'gudp-read-end',
  },
  {
    name: 'end-behind-the-lock',
    what: 'who takes the last record after the end does not tell those who slept because of its lock',
    changes: [
      {
        file: 'gudp/read-buffer.ts',
        find: '  else if (isOver(connection)) signalAll(<u32>connection, lane + IN_WAITERS_OFFSET)\n',
        replace: '\n',
      },
    ],
    scenario: 'gudp-read-end',
  },
  {
    name: 'stale-bit',
    what: 'the bit that a dead thread left swallows a signal when its slot has a new owner',
    changes: [
      {
        file: 'gudp/connection.ts',
        find: '    signalOne(address, lane + IN_WAITERS_OFFSET)\n',
        replace: '\n',
      },
    ],
    scenario: 'gudp-read-stale-bit',
  },
  {
    name: 'unlocked-before-waiting',
    what: 'a waiter unlocks, and then enters the condition: the signal that comes in between is lost',
    changes: [
      {
        file: 'sync/monitor.ts',
        find: `  waitSetEnter(waitersOf(address), token)
  unlock(address)
`,
        replace: `  unlock(address)
  waitSetEnter(waitersOf(address), token)
`,
      },
    ],
    scenario: 'gudp-monitor',
  },
  {
    name: 'signal-died',
    what: 'a waiter that dies with the signal leaves the others asleep',
    changes: [
      {
        file: 'sync/monitor.ts',
        find: '  if (load32(DEPARTURES_OFFSET) == departures) return word\n',
        replace: '  if (load32(DEPARTURES_OFFSET) - departures < 9) return word\n',
      },
    ],
    scenario: 'gudp-monitor-killed',
    kills: 1,
  },
  {
    name: 'send-lock-not-handed-on',
    what: 'a sender unlocks, and wakes nobody who waits for the lock',
    changes: [
      {
        file: 'gudp/send-buffer.ts',
        find: '  signalOne(<u32>connection, lane + OUT_LOCKERS_OFFSET) // after the store: pairs with the look in laneSendArm\n',
        replace: '\n',
      },
    ],
    scenario: 'gudp-send-abort',
  },
  {
    name: 'published-untold',
    what: 'the daemon publishes a record, and tells only those who wait for room',
    changes: [
      {
        file: 'gudp/tell.ts',
        find: '    if ((owed & OWED_TO_CONSUMERS) != 0) readTell(connection, lane)\n',
        replace: '\n',
      },
    ],
    scenario: 'gudp-read',
  },
  {
    name: 'freed-untold',
    what: 'the daemon frees a record, and forgets whom it has to tell',
    changes: [{ file: 'gudp/send-buffer.ts', find: '  owe(lane, OWED_TO_SENDERS)\n', replace: '\n' }],
    scenario: 'gudp-send-room',
  },
  {
    name: 'wanted-before-sent',
    what: 'the daemon is told of a record before the tail is there',
    changes: [
      {
        file: 'gudp/send-buffer.ts',
        find: '  store64(lane + OUT_TAIL_OFFSET, tail + recordBytes(bytes)) // publishes\n',
        replace:
          '  want(address, WANTS_SEND)\n  store64(lane + OUT_TAIL_OFFSET, tail + recordBytes(bytes))\n',
      },
      {
        file: 'gudp/send-buffer.ts',
        find: '  release(address, lane)\n  want(address, WANTS_SEND)\n',
        replace: '  release(address, lane)\n',
      },
    ],
    scenario: 'gudp-send-room',
  },
]
