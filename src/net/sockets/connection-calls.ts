/**
 * The calls that make and end connections, as steps: see waits.ts.
 *
 * @module
 */
import { Channel } from '../../core/channel.ts'
import { anyAddress, checkAddress, loopback, type SocketAddress } from './address.ts'
import { type ClientContext, ClientSocket, isRefusal, refusalError } from './client-socket.ts'
import { socketError } from './codes.ts'
import type { Answer } from './questions.ts'
import type { SocketHandle } from './socket-handle.ts'
import type { Steps } from './waits.ts'

const MOST_BACKLOG = 65535

export function* bind(socket: ClientSocket, given: SocketAddress | undefined): Steps<void> {
  const call = 'bind'
  socket.checkOpen(call)
  const address = checkAddress(given, socket.family, call, anyAddress(socket.family))
  if (socket.state !== 'new' || socket.channel !== undefined)
    throw socketError('EINVAL', call, 'the socket has an address already')
  if (socket.isStream) {
    // node:net binds when it listens or connects: a port that is taken is told of then.
    socket.wanted = address
    socket.state = 'bound'
    return
  }
  socket.makeChannel('datagram', call)
  try {
    const { family } = socket
    const options = socket.options.toSettings()
    socket.learn(yield* socket.request({ op: 'bind', family, ...address, options }, call))
    socket.state = 'bound'
    for (const membership of socket.options.takeMemberships())
      yield* socket.request({ op: 'set', options: membership }, call)
  } catch (error) {
    if (socket.state === 'new') socket.drop(0)
    throw error
  }
}

/** `null` takes the peer of a UDP socket away again. */
export function* connect(
  socket: ClientSocket,
  given: SocketAddress | null | undefined,
  dontWait: boolean,
): Steps<void> {
  const call = 'connect'
  socket.checkOpen(call)
  if (given === null && !socket.isStream) return yield* disconnect(socket)
  const address = checkAddress(given ?? undefined, socket.family, call, loopback(socket.family))
  if (address.port === 0) throw socketError('EINVAL', call, 'give the port to connect to')
  if (socket.isStream) return yield* connectStream(socket, address, dontWait)
  socket.datagramChannel(call)
  const { family } = socket
  const options = socket.options.toSettings()
  socket.learn(yield* socket.request({ op: 'connect', family, ...address, options }, call))
  socket.state = 'connected'
}

function* disconnect(socket: ClientSocket): Steps<void> {
  if (socket.state !== 'connected') throw socketError('ENOTCONN', 'connect')
  socket.learn(yield* socket.request({ op: 'disconnect' }, 'connect'))
  socket.peer = undefined
  socket.state = 'bound'
}

function* connectStream(
  socket: ClientSocket,
  address: { host: string; port: number },
  dontWait: boolean,
): Steps<void> {
  const call = `connect ${address.host}:${address.port}`
  if (socket.state === 'connecting') socket.settle(call)
  if (socket.state === 'connecting') throw socketError('EALREADY', call)
  if (socket.state === 'connected') throw socketError('EISCONN', call)
  if (socket.state === 'listening') throw socketError('EOPNOTSUPP', call)
  const before = socket.state
  socket.makeChannel('stream', call)
  socket.state = 'connecting'
  socket.failure = undefined
  let refusal: Answer | undefined
  const answered = (answer: Answer) => {
    if (isRefusal(answer)) {
      refusal = answer
      socket.failure = answer.code
      socket.state = before
      socket.drop(0)
    } else {
      socket.learn(answer)
      socket.state = 'connected'
    }
  }
  const options = socket.options.toSettings()
  socket.post(
    { op: 'connect', family: socket.family, ...address, local: socket.wanted, options },
    call,
    answered,
  )
  if (dontWait && !socket.settle(call)) throw socketError('EINPROGRESS', call)
  yield* socket.settled(call)
  if (refusal === undefined) return
  socket.failure = undefined // it is told here
  throw refusalError(isRefusal(refusal) ? refusal : undefined, call)
}

export function* listen(socket: ClientSocket, backlog: number): Steps<void> {
  const call = 'listen'
  socket.checkOpen(call)
  if (!socket.isStream) throw socketError('EOPNOTSUPP', call)
  if (!Number.isInteger(backlog) || backlog < 1 || backlog > MOST_BACKLOG)
    throw socketError(
      'EINVAL',
      call,
      `backlog must be an integer from 1 to ${MOST_BACKLOG}, not ${String(backlog)}`,
    )
  if (socket.state !== 'new' && socket.state !== 'bound')
    throw socketError('EINVAL', call, `the socket is ${socket.state} already`)
  const address = socket.wanted ?? { host: anyAddress(socket.family), port: 0 }
  socket.makeChannel('listener', call)
  try {
    const options = socket.options.toSettings()
    socket.learn(
      yield* socket.request({ op: 'listen', family: socket.family, ...address, backlog, options }, call),
    )
    socket.state = 'listening'
  } catch (error) {
    socket.drop(0)
    throw error
  }
}

/** The next connection, as a socket of its own. */
export function* accept(listener: ClientSocket, dontWait: boolean): Steps<ClientSocket> {
  const call = 'accept'
  for (;;) {
    listener.checkOpen(call)
    const channel = listener.channel
    if (listener.state !== 'listening' || channel === undefined)
      throw socketError(listener.isStream ? 'EINVAL' : 'EOPNOTSUPP', call, 'listen() with it first')
    const { READABLE, FAULT, HUNG, LOST } = channel.layout
    const ready = channel.ready(READABLE)
    if ((ready & (HUNG | LOST)) !== 0) throw listener.fault(channel.layout.GONE, call)
    if ((ready & FAULT) !== 0) throw listener.fault(channel.layout.FAILED, call)
    if ((ready & READABLE) !== 0) {
      const connection = yield* take(listener, channel, call)
      if (connection !== undefined) return connection
    } else if (dontWait) throw socketError('EWOULDBLOCK', call)
    else yield [{ channel, bits: READABLE, need: 0 }]
  }
}

/** `undefined`: it had gone when the server was asked for it. */
function* take(
  listener: ClientSocket,
  { index, handle }: Channel,
  call: string,
): Steps<ClientSocket | undefined> {
  const socket = new ClientSocket(listener.context, listener.kind)
  socket.options.copyFrom(listener.options)
  try {
    socket.makeChannel('stream', call)
    const options = socket.options.toSettings()
    const { generation } = handle
    let answer: Answer | undefined
    socket.post({ op: 'accept', listener: index, generation, options }, call, (given) => {
      answer = given
    })
    yield* socket.settled(call, true)
    if (answer !== undefined && !isRefusal(answer)) {
      socket.learn(answer)
      socket.state = 'connected'
      return socket
    }
    if (answer?.code !== 'EWOULDBLOCK') throw refusalError(answer, call)
    return undefined
  } finally {
    if (socket.state !== 'connected') socket.end(0)
  }
}

/** `SO_LINGER` decides what becomes of what is not sent yet. */
export function* close(socket: ClientSocket): Steps<void> {
  const { channel } = socket
  if (socket.state === 'closed') return
  const seconds = socket.isStream && socket.state === 'connected' ? socket.options.get('SO_LINGER') : false
  if (channel === undefined || seconds === false) return socket.end(0)
  const { CLIENT_RESET, CLIENT_CLOSED, FAULT, HUNG, LOST } = channel.layout
  if (seconds === 0) return socket.end(CLIENT_RESET)
  channel.clientSays(CLIENT_CLOSED)
  try {
    while ((channel.ready(FAULT) & (HUNG | LOST)) === 0) {
      if ((channel.ready(FAULT) & FAULT) !== 0) throw socket.fault(channel.layout.FAILED, 'close')
      yield [{ channel, bits: FAULT, need: 0 }]
    }
  } catch (error) {
    if ((error as { code?: string }).code !== 'ETIMEDOUT') throw error
    throw socketError(
      'EWOULDBLOCK',
      'close',
      'the peer did not take in time what was sent: it goes on behind the scenes',
    )
  } finally {
    socket.end(0)
  }
}

/** A socket that another thread has let go. */
export function adopt(context: ClientContext, handle: SocketHandle): ClientSocket {
  const call = 'adopt'
  const { memory } = context.hub.handle
  let channel: Channel | undefined
  try {
    const { address, generation, index, owner } = handle
    channel = Channel.adopt({ memory, address, generation }, index, owner)
  } catch {
    // it is gone, or the handle is none
  }
  if (channel === undefined)
    throw socketError('EBADF', call, 'the socket is closed, or another thread has adopted it already')
  const socket = new ClientSocket(context, handle.kind)
  socket.channel = channel
  socket.state = handle.state
  socket.options.takeOver(handle.options)
  socket.isShutForReading = handle.isShutForReading === true
  socket.isShutForWriting = handle.isShutForWriting === true
  socket.local = handle.local
  socket.peer = handle.peer
  return socket
}
