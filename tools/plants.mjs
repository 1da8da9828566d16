// Bugs to plant in the core, each by one change of one line or two of the source. The model checker proves itself on them:
// every one must be found. `npm run replay -- --list` shows them.

/**
 * @typedef {{ file: string, find: string, replace: string }} Change
 * @typedef {{ name: string, what: string, changes: Change[], scenario: string, kills?: 0 | 1 }} Plant
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
]
