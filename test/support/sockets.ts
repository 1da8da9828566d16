import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { type Core, loadCore } from './core.ts'

const module = new WebAssembly.Module(readFileSync(new URL('../../build/sockets.wasm', import.meta.url)))

export type Handle = readonly [address: number, generation: number]

/** The bare second module, on the memory of a core. */
export interface Sockets {
  readonly core: Core
  readonly abi: Record<string, (...args: number[]) => number>
  readonly layout: Record<string, number>
  readonly server: number
  readonly client: number
  readonly hub: Handle
}

export const VERSION = 1
export const [TO_SERVER, TO_CLIENT] = [0, 1]
/** A hub has places for this many channels at least. */
export const PLACES = 64

/** A hub with a server, and a client that has joined. */
export function loadSockets(maximumPages = 64): Sockets {
  const core = loadCore(maximumPages)
  const { exports } = new WebAssembly.Instance(module, { env: { memory: core.memory } })
  const abi: Sockets['abi'] = {}
  const layout: Sockets['layout'] = {}
  for (const [name, item] of Object.entries(exports)) {
    if (typeof item === 'function') abi[name] = item as (...args: number[]) => number
    else if (item instanceof WebAssembly.Global) layout[name] = item.value
  }
  const server = core.abi.threadJoin(1)
  const client = core.abi.threadJoin(2)
  const address = abi.hubCreate!(server, PLACES, VERSION, 1)
  expect(address).toBeGreaterThan(0)
  const hub: Handle = [address, core.generation(address)]
  expect(abi.hubServe!(...hub, server)).toBe(0)
  expect(abi.objectJoin!(...hub, layout.KIND_HUB!, client)).toBe(0)
  return { core, abi, layout, server, client, hub }
}

export interface Channel {
  handle: Handle
  index: number
}

/** A channel of the client in the server's hub; both its rings are 2 ** log2 bytes long. */
export function openChannel(
  sockets: Sockets,
  type: 'datagram' | 'stream' | 'listener',
  log2: number,
  owner = sockets.client,
): Channel {
  const { abi, layout, hub, server, core } = sockets
  const kind = {
    datagram: layout.TYPE_DATAGRAM!,
    stream: layout.TYPE_STREAM!,
    listener: layout.TYPE_LISTENER!,
  }
  const address = abi.channelCreate!(owner, ...hub, VERSION, kind[type] | (log2 << 8) | (log2 << 16))
  expect(address).toBeGreaterThan(0)
  const handle: Handle = [address, core.generation(address)]
  if (owner !== server) expect(abi.objectJoin!(...handle, layout.KIND_CHANNEL!, server)).toBe(0)
  const index = abi.hubAdd!(...hub, ...handle)
  expect(index).toBeGreaterThanOrEqual(0)
  return { handle, index }
}

/** As if the ring had been in use for long. */
export function startAt({ core, layout }: Sockets, [address]: Handle, ring: number, position: bigint): void {
  const cursors = address + (ring === TO_SERVER ? layout.CLIENT_RING_OFFSET! : layout.SERVER_RING_OFFSET!)
  for (const offset of ['TAIL_OFFSET', 'FREED_OFFSET', 'TAKEN_OFFSET', 'GIVEN_OFFSET'])
    core.setU64(cursors + layout[offset]!, position)
}

/** What a call has left in the mailbox of the thread: where, how much, and where it goes on. */
export function span({ core, layout }: Sockets, token: number): readonly [number, number, number] {
  const at = core.scratch(token) + layout.MAILBOX_SPAN_OFFSET!
  return [core.u32(at), core.u32(at + 4), core.u32(at + 8)]
}

/** The stretches that the mailbox tells, cut to so many bytes. */
export function stretches(sockets: Sockets, token: number, bytes: number): (readonly [number, number])[] {
  const [first, length, second] = span(sockets, token)
  const part = Math.min(length, bytes)
  return [[first, part] as const, [second, bytes - part] as const].filter(([, count]) => count > 0)
}

/** The word at which the thread sleeps. */
export function bellOf({ abi, core }: Sockets, token: number): number {
  return core.u32(abi.bellAddress!(token)) | 0
}
