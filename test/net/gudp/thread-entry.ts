// What the threads of the suites of gudp do: each function is run by name in a thread of its own (support/hosts).
import { GudpConnection, type GudpConnectionHandle, GudpDaemon, type MessageChannel } from 'spillway/gudp'
import type { Channel } from '../../support/threads.ts'

interface Job {
  readonly handle: GudpConnectionHandle
}

const decoder = new TextDecoder()
const host = '127.0.0.1'

/** Receives until the end of the connection: what, and how it ended. */
export async function consume(
  { handle, isSync }: Job & { isSync: boolean },
  channel: Channel,
): Promise<{ received: string[]; state: string }> {
  const connection = GudpConnection.from(handle)
  const { reliable } = connection.messages
  const received: string[] = []
  channel.post('ready')
  for (;;) {
    const message = isSync ? reliable.recvSync() : await reliable.recv()
    if (message === undefined) break
    received.push(decoder.decode(message))
  }
  const { state } = connection.status
  connection.leave()
  return { received, state }
}

/** Sends its numbered messages; how many were taken. */
export async function produce({
  handle,
  id,
  count,
  isSync,
}: Job & { id: number; count: number; isSync: boolean }): Promise<number> {
  const connection = GudpConnection.from(handle)
  const { reliable } = connection.messages
  let sent = 0
  for (let i = 0; i < count; i++) {
    const text = `${id} ${i}`
    if (isSync ? reliable.sendSync(text) : await reliable.sendWhenRoom(text)) sent++
  }
  connection.leave()
  return sent
}

/** Waits in one call for ever, or until the connection is over: what the call gave, and the state then. */
export async function waitIn(
  { handle, call }: Job & { call: string },
  channel: Channel,
): Promise<{ outcome: string; state: string }> {
  const connection = GudpConnection.from(handle)
  const { reliable, unreliable } = connection.messages
  const fill = (to: MessageChannel): void => {
    while (to.send(new Uint8Array(1000)));
  }
  const calls: Record<string, () => unknown> = {
    recvSync: () => unreliable.recvSync(),
    recv: () => unreliable.recv(),
    'recvSync of packets': () => connection.recvSync(),
    sendSync: () => {
      while (reliable.sendSync(new Uint8Array(1000)));
      return false
    },
    sendWhenRoom: async () => {
      while (await reliable.sendWhenRoom(new Uint8Array(1000)));
      return false
    },
    // What is there may be taken by the other side before the end: then there is more to wait for.
    flushSync: () => {
      do fill(reliable)
      while (connection.flushSync())
      return false
    },
    flush: async () => {
      do fill(reliable)
      while (await connection.flush())
      return false
    },
  }
  channel.post('ready')
  const outcome = String(await calls[call]!())
  const { state } = connection.status
  connection.leave()
  return { outcome, state }
}

/** Has it, and sends what it is told until it is told nothing more. */
export async function keep({ handle }: Job, channel: Channel): Promise<void> {
  const connection = GudpConnection.from(handle)
  channel.post('ready')
  for (let text = await channel.next(); text !== 'leave'; text = await channel.next()) {
    await connection.messages.reliable.sendWhenRoom(String(text))
  }
  connection.leave()
}

/** Sends without an end, into a connection that others use, too. */
export function flood({ handle }: Job, channel: Channel): void {
  const { reliable } = GudpConnection.from(handle).messages
  channel.post('ready')
  for (let i = 0; reliable.sendSync(`flood ${i}`); i++);
}

/** Takes without an end what others want, too. */
export function take({ handle }: Job, channel: Channel): void {
  const { reliable } = GudpConnection.from(handle).messages
  channel.post('ready')
  for (;;) {
    const message = reliable.recvSync()
    if (message === undefined) return
    channel.post(decoder.decode(message))
  }
}

/** Has a daemon of its own, and a connection of it that others may have. */
export async function open({ port, options }: { port: number; options: object }, channel: Channel) {
  const daemon = await GudpDaemon.start()
  const connection = await daemon.connect({ host, port, ...options })
  channel.post(connection.handle)
  await channel.next()
  await daemon.stop()
}
