// A channel from its making to its end, and the server finds it late or never: its client makes it, says that it is closed, and leaves. The
// server joins what it finds, hears that, and leaves it, too; or it is stopped. Whoever dies wherever, nothing of it is left.

import type { Op, Program, Scenario, StateView } from '../program.ts'
import { program, sharedRange } from '../program.ts'
import { scratchOf, scratchRanges } from './bench.ts'
import { tableRange } from './region.ts'
import {
  CLIENT,
  isKilled,
  MODULE,
  mailboxOf,
  obituary,
  SERVER,
  type SocketBench,
  startHub,
} from './socket-bench.ts'

const GRANULE = 4096
const SCRATCH_GRANULES = 17
const HUB_GRANULES = 1
/** The smallest rings: the channel takes two granules. */
const CHANNEL_GRANULES = 2
const LOG2 = 5
const CLOSED = 1

type Visiting = readonly [phase: number, channel: number, generation: number]

function visitor(bench: SocketBench): Program {
  const { hub, layout, tokens } = bench
  const token = tokens[CLIENT]!
  const shape = layout.TYPE_DATAGRAM! | (LOG2 << 8) | (LOG2 << 16)
  return program<Visiting>({
    name: 'client',
    init: [0, 0, 0],
    next: ([phase, channel, generation]): Op | undefined => {
      if (phase === 0) return { call: 'channelCreate', args: [token, ...hub, layout.SOCKETS_VERSION!, shape] }
      if (phase === 1) return { read: channel, bytes: layout.OBJECT_GENERATION_OFFSET! + 4 }
      if (phase === 2) return { call: 'hubAdd', args: [...hub, channel, generation] }
      if (phase === 3) return { call: 'clientSays', args: [channel, generation, CLOSED] }
      return phase === 4 ? { call: 'objectLeave', args: [channel, generation, token] } : undefined
    },
    done: ([phase, channel, generation], result, memory): Visiting => {
      if (phase === 0) return [1, result, 0]
      if (phase === 1) return [2, channel, memory.u32(channel + layout.OBJECT_GENERATION_OFFSET!)]
      return [phase + 1, channel, generation]
    },
  })
}

type Finding = readonly [
  phase:
    | ('ack' | 'join' | 'hear' | 'leave' | 'remove' | 'arm' | 'wait')
    /** The mailbox says which. */
    | ('found' | 'left')
    /** It had gone before the server found it. */
    | 'missed'
    /** Once it stops: everything that there is. */
    | ('stop' | 'sweep' | 'take' | 'give' | 'forget' | 'over'),
  at: number,
  generation: number,
  index: number,
]

/** The server's loop, as far as coming and going is concerned; one that stops does so instead of sleeping. */
function finder(bench: SocketBench, stops: boolean): Program {
  const { hub, layout, tokens } = bench
  const token = tokens[SERVER]!
  const mail = mailboxOf(bench, SERVER)
  return program<Finding>({
    name: 'server',
    init: ['ack', 0, 0, 0],
    next: ([phase, at, generation, index]): Op | undefined => {
      if (phase === 'ack') return { call: 'hubAck', args: [...hub, token] }
      if (phase === 'join' || phase === 'take')
        return { call: 'objectJoin', args: [at, generation, layout.KIND_CHANNEL!, token] }
      if (phase === 'hear') return { call: 'serverHears', args: [at, generation] }
      if (phase === 'leave' || phase === 'give') return { call: 'objectLeave', args: [at, generation, token] }
      if (phase === 'missed') return undefined
      if (phase === 'found' || phase === 'left') return { read: mail, bytes: 8 }
      if (phase === 'remove' || phase === 'forget') return { call: 'hubRemove', args: [...hub, index] }
      if (phase === 'stop') return { call: 'hubStop', args: [...hub] }
      if (phase === 'sweep') return { call: 'hubOrphan', args: [...hub, token, index] }
      if (phase === 'over') return undefined
      if (phase === 'arm') return { call: 'hubAckWait', args: [...hub, token, 0] }
      return { wait: bench.call('bellAddress', token), value: at }
    },
    done: ([phase, at, generation, index], result, memory): Finding => {
      if (phase === 'stop') return ['sweep', 0, 0, 0]
      if (phase === 'ack' && result < 0) return [stops ? 'stop' : 'arm', 0, 0, 0]
      if (phase === 'sweep' && result < 0) return ['over', 0, 0, 0]
      if (phase === 'ack') return ['found', 0, 0, result]
      if (phase === 'sweep') return ['left', 0, 0, result]
      if (phase === 'found' || phase === 'left') {
        const [channel, itsGeneration] = [memory.u32(mail), memory.u32(mail + 4)]
        if (channel === 0) return [phase === 'found' ? 'ack' : 'sweep', 0, 0, index + 1]
        return [phase === 'found' ? 'join' : 'take', channel, itsGeneration, index]
      }
      if (phase === 'join') return [result < 0 ? 'missed' : 'hear', at, generation, index]
      if (phase === 'hear') return [result === CLOSED ? 'leave' : 'ack', at, generation, index]
      if (phase === 'leave') return ['remove', at, generation, index]
      if (phase === 'take') return [result < 0 ? 'forget' : 'give', at, generation, index]
      if (phase === 'give') return ['forget', at, generation, index]
      if (phase === 'forget') return ['sweep', 0, 0, index + 1]
      if (phase === 'arm' && result !== 0) return ['wait', result, 0, 0]
      return ['ack', 0, 0, 0]
    },
  })
}

/** The dead are buried, and what they left is found: then only the hub and the scratch of the living are in use. */
function leftoverFault(view: StateView, bench: SocketBench): string | undefined {
  const { call, hub, tokens, layout, memory } = bench
  const lives = [SERVER, CLIENT].map((thread) => !isKilled(view, thread))
  if (tokens[UNDERTAKER] !== undefined) call('threadLeave', tokens[UNDERTAKER])
  const [phase] = view.threads[SERVER]!.state as Finding
  if (phase === 'missed' && lives[CLIENT]) return 'the server missed what its client said last'
  const survivor = tokens[lives[SERVER] ? SERVER : CLIENT]!
  for (const thread of [SERVER, CLIENT]) if (!lives[thread]) call('threadEnd', thread + 1, survivor)
  // One that stops has swept before, and does not again: what came after that must have undone itself.
  if (lives[SERVER] && phase !== 'over') sweep(bench)
  if (lives[CLIENT]) {
    // It may have been about to leave when the server died: its own end makes up for it.
    call('threadLeave', tokens[CLIENT]!)
  }
  const kept = lives[SERVER] ? SCRATCH_GRANULES + HUB_GRANULES : 0
  const used = call('usedGranules') - kept
  if (used === 0) return undefined
  const word = memory.u32(hub[0] + layout.HUB_STATUS_OFFSET!)
  return `${used} granules are left (a channel takes ${CHANNEL_GRANULES}), the hub's status is ${word}`
}

/** What the server does when it hears of a departure, or stops: it leaves what nobody owns any more. */
function sweep(bench: SocketBench): void {
  const { call, hub, tokens, layout, memory } = bench
  const token = tokens[SERVER]!
  for (
    let index = call('hubOrphan', ...hub, token, 0);
    index >= 0;
    index = call('hubOrphan', ...hub, token, index + 1)
  ) {
    const at = memory.u32(mailboxOf(bench, SERVER))
    const generation = memory.u32(mailboxOf(bench, SERVER) + 4)
    if (call('objectJoin', at, generation, layout.KIND_CHANNEL!, token) === 0)
      call('objectLeave', at, generation, token)
    call('hubRemove', ...hub, index)
  }
}

/** Buries the server while the client is at it. */
const UNDERTAKER = 2

function visit(name: string, stops: boolean, killable: readonly number[], isBuried = false): Scenario {
  let bench: SocketBench
  return {
    name,
    module: MODULE,
    killable,
    setup: (workbench) => {
      bench = startHub(workbench, isBuried ? 3 : 2)
    },
    threads: () => [
      finder(bench, stops),
      visitor(bench),
      ...(isBuried ? [obituary(bench, SERVER, { entry: 'threadEnd', by: UNDERTAKER })] : []),
    ],
    ranges: () => [
      ...tableRange(bench),
      sharedRange(scratchOf(bench, bench.tokens.at(-1)!) + SCRATCH_GRANULES * GRANULE, 6 * GRANULE),
      ...scratchRanges(bench),
      // What the dead server had may become the channel.
      ...(isBuried ? [sharedRange(scratchOf(bench, bench.tokens[SERVER]!), CHANNEL_GRANULES * GRANULE)] : []),
    ],
    terminal: (view) => leftoverFault(view, { ...bench, ...view }),
  }
}

export const socketVisitScenarios: readonly Scenario[] = [
  visit('socket-visit', false, [SERVER, CLIENT]),
  // A client that is killed while it makes a socket of a server that has stopped may leave a channel behind: see hubAdd.
  visit('socket-visit-stop', true, [SERVER]),
  visit('socket-visit-burial', false, [SERVER], true),
]
