import type { U64 } from '../../src/net/gudp/bytes.ts'
import type { ChannelKind } from '../../src/net/gudp/channels.ts'
import { ClientHandshake, type ClientReceived } from '../../src/net/gudp/client-handshake.ts'
import { clientSecurity, type SecureOptions, serverSecurity } from '../../src/net/gudp/secure-options.ts'
import {
  type Acceptance,
  type HandshakeLimits,
  ServerHandshake,
  type ServerReceived,
} from '../../src/net/gudp/server-handshake.ts'
import { security } from '../../src/node/security.ts'
import type { SecurityPort } from '../../src/ports.ts'

export interface SideOptions {
  secure?: SecureOptions
  channels?: ChannelKind[]
  security?: SecurityPort
  protocolId?: number
  timeoutMs?: number
  limits?: HandshakeLimits
  nowMs?: number
}

export function newClient({
  secure,
  channels = ['reliable'],
  nowMs = 0,
  ...rest
}: SideOptions = {}): ClientHandshake {
  const port = rest.security ?? security
  return new ClientHandshake({
    ...rest,
    security: port,
    channels,
    nowMs,
    secure: clientSecurity(secure, port),
  })
}

/** A handshake with the little that its caller keeps: sessions, and which addresses they are at. */
export class ServerRig {
  readonly handshake: ServerHandshake
  readonly accepted: Acceptance[] = []
  readonly #sessions = new Map<string, U64>()
  room = Number.POSITIVE_INFINITY

  constructor({ secure, channels = ['reliable'], nowMs = 0, ...rest }: SideOptions = {}) {
    const port = rest.security ?? security
    this.handshake = new ServerHandshake({
      ...rest,
      security: port,
      channels,
      nowMs,
      secure: serverSecurity(secure, port),
      hasRoom: () => this.accepted.length < this.room,
      isTaken: ({ lo }) => this.accepted.some(({ session }) => session.lo === lo),
      sessionAt: (address, at) => this.#sessions.get(`${address} ${at}`),
    })
  }

  receive(bytes: Uint8Array, nowMs = 0, address = '192.0.2.1', port = 4000): ServerReceived {
    const received = this.handshake.receive(bytes, address, port, nowMs)
    if (received.type === 'accept') {
      this.accepted.push(received)
      this.#sessions.set(`${address} ${port}`, received.session)
    }
    return received
  }

  /** What goes back, if anything. */
  answer(bytes: Uint8Array, nowMs = 0, address?: string, port?: number): Uint8Array | undefined {
    const received = this.receive(bytes, nowMs, address, port)
    return received.type === 'dropped' ? undefined : received.reply
  }
}

/** Back and forth with nothing lost, until the client has an answer or the server says nothing. */
export function shake(client: ClientHandshake, server: ServerRig, nowMs = 0): ClientReceived {
  let last: ClientReceived = { type: 'ignored' }
  for (let turn = 0; turn < 4; turn++) {
    const { send } = client.next(nowMs)
    const answer = send && server.answer(send, nowMs)
    if (answer === undefined) return last
    last = client.receive(answer, nowMs)
    if (last.type === 'established' || last.type === 'refused') return last
  }
  return last
}
