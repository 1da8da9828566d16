import { type PosixCode, SpillwayError } from '../../core/errors.ts'

/**
 * What a socket call can fail with, and what to do then. The place in the list is the number that goes through the channel: new
 * ones are added at the end.
 */
const advice: readonly (readonly [PosixCode, string])[] = [
  ['EIO', 'the system gave an error that has no name here'],
  ['EBADF', 'the socket is closed: make a new one'],
  ['EWOULDBLOCK', 'it would have to wait: poll for it, or call without dontWait'],
  ['ETIMEDOUT', 'it was not done in time: give it more, or try again'],
  ['ECONNABORTED', 'the socket server has stopped: start one, and make new clients and sockets'],
  ['ECONNREFUSED', 'nobody listens there: check address and port'],
  ['ECONNRESET', 'the peer has reset the connection'],
  ['EPIPE', 'the connection is shut for writing, by the peer or by shutdown()'],
  ['ENOTCONN', 'connect() it first'],
  ['EISCONN', 'it is connected already: send() without an address, or use a new socket'],
  ['EALREADY', 'a call of that kind is under way on this socket: wait for it'],
  ['EINPROGRESS', 'the connection is being made: poll for writable, then look at SO_ERROR'],
  ['EINVAL', 'the socket is not in a state for this call, or an argument makes no sense'],
  ['EAFNOSUPPORT', 'the address is not of the family of the socket: use udp6 or tcp6 for IPv6'],
  ['EADDRINUSE', 'the port is taken: choose another, or 0 for any that is free'],
  ['EADDRNOTAVAIL', 'the address is none of this machine'],
  ['EDESTADDRREQ', 'give an address, or connect() the socket first'],
  ['EMSGSIZE', 'the datagram is longer than the protocol, or the send buffer (SO_SNDBUF), allows'],
  ['EOPNOTSUPP', 'this kind of socket does not do that'],
  ['ENOPROTOOPT', 'there is no such option for this socket, or it cannot be set any more'],
  ['EPROTONOSUPPORT', 'the server speaks another version: use one version of spillway in all threads'],
  ['EPROTO', 'what was written into the channel made no sense: the socket is closed'],
  ['EMFILE', 'the process has no file descriptors left: close sockets, or raise its limit'],
  ['ENFILE', 'the system has no file descriptors left'],
  ['ENOBUFS', 'the server has no place for another socket: close some, or raise maxSockets'],
  [
    'ENOMEM',
    'no shared memory is left: close sockets, make their buffers smaller, or raise maximumBytes with configure()',
  ],
  [
    'EACCES',
    'it is not allowed: ports below 1024, broadcast without SO_BROADCAST, or sockets at all (Deno: --allow-net)',
  ],
  ['EPERM', 'the system does not allow it'],
  ['ENETUNREACH', 'there is no way to that network'],
  ['EHOSTUNREACH', 'there is no way to that host'],
  ['ENETDOWN', 'the network is down'],
  ['EHOSTDOWN', 'the host is down'],
  ['EDEADLK', 'the server runs on this very thread, which must not block: use the call without Sync'],
  ['EBUSY', 'another call is in the middle of sending or receiving on this socket'],
  ['ENOTFOUND', 'the name is not known'],
  ['EAI_AGAIN', 'the name server does not answer'],
  ['ECANCELED', 'the socket was closed meanwhile'],
  ['ENODEV', 'there is no such interface, or it takes no part in multicast'],
]

const numbers = new Map<string, number>(advice.map(([code], i) => [code, i + 1]))

/** The number of a code, from 1. */
export function errnoOf(code: string | undefined): number {
  return numbers.get(code ?? '') ?? 1
}

export function codeOf(errno: number): PosixCode {
  return advice[errno - 1]?.[0] ?? 'EIO'
}

/** `call` is what the user did; the message says what to do. */
export function socketError(code: string, call: string, detail?: string): SpillwayError {
  const errno = errnoOf(code)
  const [known, text] = advice[errno - 1]!
  const why = detail ?? (known === code ? text : `${text} (${code})`)
  return new SpillwayError(known, `${call}: ${why}`)
}

/** A code of Node's own for what POSIX has a word for. */
export function posixOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  switch (code) {
    case 'ERR_SOCKET_DGRAM_IS_CONNECTED':
      return 'EISCONN'
    case 'ERR_SOCKET_DGRAM_NOT_CONNECTED':
      return 'ENOTCONN'
    case 'ERR_SOCKET_DGRAM_NOT_RUNNING':
      return 'ECANCELED'
    case 'ERR_SOCKET_BAD_PORT':
    case 'ERR_SOCKET_BAD_TYPE':
    case 'ERR_INVALID_ARG_TYPE':
    case 'ERR_INVALID_ARG_VALUE':
    case 'ERR_OUT_OF_RANGE':
    case 'ERR_INVALID_ADDRESS':
    case 'ERR_INVALID_IP_ADDRESS':
      return 'EINVAL'
    case 'EAGAIN':
      return 'EWOULDBLOCK'
    case 'EAI_FAIL':
    case 'ENODATA':
      return 'ENOTFOUND'
    case 'EAI_ADDRFAMILY':
      return 'EAFNOSUPPORT'
    default:
      return code ?? 'EIO'
  }
}
