/**
 * `poll`: many sockets, one wait.
 *
 * @module
 */
import { socketError } from './codes.ts'
import { Socket, socketState } from './socket.ts'
import type { Steps, Wait } from './waits.ts'

/** A socket by itself: whether it is readable. */
export type Polled =
  | Socket
  | { readonly socket: Socket; readonly readable?: boolean; readonly writable?: boolean }

/** What `poll` found of one socket. */
export interface PollResult {
  readonly socket: Socket
  /** A call that receives, or accepts, would not wait. At the end of a connection, too. */
  readonly readable: boolean
  /** A call that sends would not wait. A connection that was being made is made, or has failed. */
  readonly writable: boolean
  /** `SO_ERROR` has a code. */
  readonly error: boolean
  /** There is no connection, and will be none. */
  readonly hangup: boolean
}

interface Asked {
  readonly socket: Socket
  readonly readable: boolean
  readonly writable: boolean
}

/** Those of the set for which there is something to do, or as many as there are: empty when the time is up. */
export function* poll(set: Iterable<Polled>): Steps<PollResult[]> {
  const asked = [...set].map(checked)
  for (;;) {
    const results: PollResult[] = []
    for (const one of asked) {
      const result = look(one)
      if (result !== undefined) results.push(result)
    }
    if (results.length > 0) return results
    try {
      yield asked.map(waitFor)
    } catch (error) {
      if ((error as { code?: string }).code === 'ETIMEDOUT') return []
      throw error
    }
  }
}

function checked(polled: Polled): Asked {
  const asked = polled instanceof Socket ? { socket: polled, readable: true } : polled
  if (!((asked as Partial<Asked>)?.socket instanceof Socket))
    throw socketError('EINVAL', 'poll', 'the set has sockets, or { socket, readable, writable }')
  const { socket, readable = false, writable = false } = asked as Asked
  if (socket.closed) throw socketError('EBADF', 'poll')
  const inner = socket[socketState]
  if (!inner.isStream && readable) inner.datagramChannel('poll') // so that something can come
  return { socket, readable, writable }
}

function look({ socket, readable, writable }: Asked): PollResult | undefined {
  const inner = socket[socketState]
  inner.checkOpen('poll')
  const wasConnecting = inner.state === 'connecting'
  if (wasConnecting && !inner.settle('poll')) return undefined
  const { channel, failure } = inner
  const hasFailed = failure !== undefined
  if (channel === undefined) {
    // A connection that was never made; or a UDP socket that nobody has used, to which nothing stands in the way.
    const isReady = inner.isStream || writable
    return isReady || hasFailed
      ? { socket, readable: inner.isStream && readable, writable, error: hasFailed, hangup: inner.isStream }
      : undefined
  }
  const { READABLE, FAULT, HUNG, LOST, WRITABLE } = channel.layout
  const ready = channel.ready((readable ? READABLE : 0) | (writable ? WRITABLE : 0))
  const error = hasFailed || (ready & FAULT) !== 0
  const hangup = (ready & (HUNG | LOST)) !== 0
  const isWritable = writable && (hangup || error || (ready & WRITABLE) !== 0) && inner.state !== 'listening'
  const isReadable = readable && (hangup || error || (ready & READABLE) !== 0)
  return isReadable || isWritable || error || hangup
    ? { socket, readable: isReadable, writable: isWritable, error, hangup }
    : undefined
}

function waitFor({ socket, readable, writable }: Asked): Wait {
  const inner = socket[socketState]
  const channel = inner.channel ?? inner.datagramChannel('poll')
  const { READABLE, WRITABLE, ANSWERED, FAULT } = channel.layout
  if (inner.state === 'connecting') return { channel, bits: ANSWERED, need: 0 }
  const bits = (readable ? READABLE : 0) | (writable ? WRITABLE : 0)
  return { channel, bits: bits === 0 ? FAULT : bits, need: 0 }
}
