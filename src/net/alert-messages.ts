import type { LevelName } from './alerts.ts'
import type { WireError } from './counters.ts'

/** What became of the events, and what to do about it. A reason that is not here speaks for itself. */
const dropReasons: Readonly<Record<string, string>> = {
  overwritten:
    'the ring was full and made room for newer ones. Raise capacity, or maxDatagramBytes; or write less',
  full: 'the ring was full and refused them. Raise capacity, or maxDatagramBytes; or write less',
  oversize: 'their lines are longer than a datagram. Raise maxDatagramBytes, or make the events smaller',
  rawNewline: 'they had a newline inside, which would have cut the line in two. Write one line at a time',
  closed: 'close() could not send them in time. Raise closeTimeoutMs, and close when the writers are done',
}

const errorCodes: Readonly<Record<WireError, string>> = {
  EMSGSIZE: 'the datagram was too long for the network. Lower maxDatagramBytes',
  ENOBUFS: 'the kernel had no room for the datagram. Raise sendBufferBytes, or send less',
  EAGAIN: "the socket's send buffer was full. Raise sendBufferBytes, or send less",
  ECONNREFUSED: 'nobody listens at the address. Start the agent, or check host and port',
  ENETUNREACH: 'no route leads to the network of the address. Check the network, or the host',
  EHOSTUNREACH: 'no route leads to the host. Check the network, or the host',
  EPERM: 'the system forbids it. Look at the firewall',
  EACCES:
    'the system forbids it: is it a broadcast address, or is the process confined? Of gudp: the collector has another secret or key',
  EINVAL: 'the system does not take the address or the socket option. Check host, port and sendBufferBytes',
  ENOTFOUND: 'the resolver knows no address of the host; the last one is used on. Check the name',
  EAI_AGAIN: 'the resolver does not answer; the last address is used on. Check the name server',
  ETIMEDOUT:
    'the resolver took too long, and the last address is used on: check the name server. Of gudp: the collector does not answer, or not in time',
  ENETDOWN: 'the network interface is down. Bring it up',
  EMFILE:
    'the process has no file descriptor left for a socket. Raise the limit (ulimit -n), or lower poolSize',
  ECANCELED: 'the socket was closed with the datagram in its queue',
  ECONNRESET: 'the collector has closed the connection, or lost it. Is it still there?',
  EPROTO:
    'the collector wants another kind of connection: secure on both sides or on none, and the same version',
  EOTHER: 'the system gave a code that is not expected here. NODE_DEBUG=spillway shows it',
}

const levels: Readonly<Record<LevelName, readonly [raised: string, recovered: string]>> = {
  queue: [
    'the ring is filling up faster than it is sent; it will drop when it is full',
    'the ring has room again',
  ],
  'drop-rate': [
    'more is dropped than should be; the alerts of kind drop say why',
    'nothing is dropped any more',
  ],
  peer: ['the peer refuses what is sent; the events that it refuses are lost', 'the peer refuses no more'],
}

export function dropMessage(reason: string, events: number): string {
  return `${counted(events, 'event')} dropped (${reason}): ${dropReasons[reason] ?? 'see docs/alerts.md'}`
}

export function errorMessage(code: WireError, times: number, events: number): string {
  const lost = events === 0 ? 'no event lost' : `${counted(events, 'event')} lost`
  return `${code}, ${counted(times, 'time')}, ${lost}: ${errorCodes[code]}`
}

export function levelMessage(name: LevelName, isRaised: boolean): string {
  return levels[name][isRaised ? 0 : 1]
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
