import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { count } from '../format.ts'
import { type Finding, notSaid } from './finding.ts'
import { setSysctl, sysctlPath, sysctls } from './sysctl.ts'
import { numberIn, type System } from './system.ts'

/** What a socket answered, in bytes as they are asked for. */
export interface BufferSizes {
  /** Before anything was set. */
  readonly default: number
  /** After `asked` was set. */
  readonly given: number
}

export interface Measured {
  readonly recv: BufferSizes
  readonly send: BufferSizes
}

/** What a collector asks for, unless told otherwise. */
export const RECV_ASKED = sysctls['net.core.rmem_max']
const SEND_ASKED = sysctls['net.core.wmem_max']
/** A datagram of the longest kind and the kernel's own books for it. */
const SEND_NEEDED = 131_072

/** Linux answers with twice what it was asked for: half of it is for its own books. */
const answeredFactor = (platform: string) => (platform === 'linux' ? 2 : 1)

/** Really sets them, and reads back. `undefined` in Deno, which answers with what it was given and does not tell the system. */
export async function measureBuffers(platform: string): Promise<Measured | undefined> {
  if ('Deno' in globalThis) return undefined
  const socket = createSocket('udp4')
  try {
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const factor = answeredFactor(platform)
    return {
      recv: trySize(
        () => socket.getRecvBufferSize() / factor,
        setter(socket, 'setRecvBufferSize', RECV_ASKED),
      ),
      send: trySize(
        () => socket.getSendBufferSize() / factor,
        setter(socket, 'setSendBufferSize', SEND_ASKED),
      ),
    }
  } finally {
    socket.close()
  }
}

function setter(socket: Socket, name: 'setRecvBufferSize' | 'setSendBufferSize', bytes: number): () => void {
  return () => {
    try {
      socket[name](bytes)
    } catch {
      // Some systems refuse what is too much, instead of giving what they have: what counts is what it is then.
    }
  }
}

function trySize(get: () => number, set: () => void): BufferSizes {
  const before = get()
  set()
  return { default: before, given: get() }
}

export type Role = 'send' | 'collect' | 'both'

export function judgeBuffers(system: System, measured: Measured | undefined, role: Role): Finding[] {
  return [
    ...(role === 'send' ? [] : [judgeRecv(system, measured?.recv)]),
    ...(role === 'collect' ? [] : [judgeSend(system, measured?.send)]),
    ...(role === 'send' ? [] : [judgeBacklog(system)]),
  ]
}

/** What the kernel is set to, for scripts; `null` where it does not say. */
function settings(system: System): Record<string, number | null> {
  const names = [
    'net.core.rmem_max',
    'net.core.rmem_default',
    'net.core.wmem_max',
    'net.core.wmem_default',
  ] as const
  return Object.fromEntries(names.map((name) => [name, numberIn(system, sysctlPath(name)) ?? null]))
}

const RECV_MEANS =
  'What comes in while the I/O thread is busy waits in this buffer. What does not fit is lost; the collector counts it as kernelDrops.'

function judgeRecv(system: System, sizes: BufferSizes | undefined): Finding {
  const check = 'recv-buffer'
  if (sizes === undefined) return judgeUnsetRecv(system)
  const figures = { asked: RECV_ASKED, ...sizes, ...settings(system) }
  if (sizes.given >= RECV_ASKED) {
    const says = `receive buffer: ${count(sizes.given)} bytes, as much as a collector asks for`
    return { check, verdict: 'ok', says, figures }
  }
  return {
    check,
    verdict: 'problem',
    says: `receive buffer: a collector asks for ${count(RECV_ASKED)} bytes, and the system gives ${count(sizes.given)}`,
    means: RECV_MEANS,
    change: changeRecvLimit(system.platform),
    figures,
  }
}

function changeRecvLimit(platform: string): string {
  if (platform === 'linux') return setSysctl('net.core.rmem_max')
  if (platform === 'win32') return 'ask for less: recvBufferBytes of the collector'
  return `sysctl -w kern.ipc.maxsockbuf=${2 * RECV_ASKED} (to keep it: a line in /etc/sysctl.conf)`
}

/** Deno's sockets have what the system gives to those that do not ask. */
function judgeUnsetRecv(system: System): Finding {
  const check = 'recv-buffer'
  const bytes = numberIn(system, sysctlPath('net.core.rmem_default'))
  if (bytes === undefined) return notSaid(check, 'receive buffer (Deno sets none)')
  const says = `receive buffer: Deno sets none, and the system gives ${count(bytes)} bytes`
  const figures = { asked: RECV_ASKED, ...settings(system) }
  if (bytes >= RECV_ASKED) return { check, verdict: 'ok', says, figures }
  return {
    check,
    verdict: 'problem',
    says,
    means: RECV_MEANS,
    change: setSysctl('net.core.rmem_default'),
    figures,
  }
}

function judgeSend(system: System, sizes: BufferSizes | undefined): Finding {
  const check = 'send-buffer'
  const kernel = numberIn(system, sysctlPath('net.core.wmem_default'))
  // What nobody has set is answered as it is, not twice.
  const standard = sizes === undefined ? kernel : sizes.default * answeredFactor(system.platform)
  if (standard === undefined) return notSaid(check, 'send buffer (Deno sets none)')
  const figures = { needed: SEND_NEEDED, ...sizes, default: standard, ...settings(system) }
  const most = sizes === undefined ? '' : `, up to ${count(sizes.given)} by sendBufferBytes`
  const says = `send buffer: ${count(standard)} bytes${most}`
  if (standard >= SEND_NEEDED || system.platform !== 'linux') return { check, verdict: 'ok', says, figures }
  return {
    check,
    verdict: 'warning',
    says,
    means: 'A datagram of 60,000 bytes does not fit: it is refused (EMSGSIZE, ENOBUFS), and counted so.',
    change: setSysctl('net.core.wmem_default'),
    figures,
  }
}

const BACKLOG_LEAST = 1000

function judgeBacklog(system: System): Finding {
  const check = 'backlog'
  const packets = numberIn(system, sysctlPath('net.core.netdev_max_backlog'))
  if (packets === undefined)
    return notSaid(check, "the kernel's queue before the sockets (netdev_max_backlog)")
  const says = `the kernel's queue before the sockets takes ${count(packets)} packets for each processor (netdev_max_backlog)`
  if (packets >= BACKLOG_LEAST) return { check, verdict: 'ok', says, figures: { packets } }
  return {
    check,
    verdict: 'warning',
    says,
    means: 'A burst over loopback, or from a fast network card, is cut off there, before any socket sees it.',
    change: setSysctl('net.core.netdev_max_backlog'),
    figures: { packets },
  }
}
