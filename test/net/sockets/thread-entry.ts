// What the threads of the sockets' suites do: each function is run by name in a thread of its own (support/hosts).
import { SocketClient, type SocketHandle, type SocketServerHandle } from 'spillway/sockets'
import type { Channel } from '../../support/threads.ts'

interface Job {
  readonly handle: SocketServerHandle
}

/** Sends everything back, blocking all the time. */
export function echo({ handle, port }: Job & { port: number }): number {
  const client = SocketClient.init(handle)
  const socket = client.socket('tcp4')
  socket.connectSync({ host: '127.0.0.1', port })
  const buffer = new Uint8Array(65536)
  let echoed = 0
  for (let got = socket.recvSync(buffer); got > 0; got = socket.recvSync(buffer)) {
    socket.sendSync(buffer.subarray(0, got))
    echoed += got
  }
  socket.closeSync()
  client.close()
  return echoed
}

/** Has a listener, a connection and a UDP socket, and is in the middle of a call for ever. */
export async function hold(
  { handle, port, isBlocked }: Job & { port: number; isBlocked: boolean },
  channel: Channel,
): Promise<void> {
  const client = SocketClient.init(handle)
  const listener = client.socket('tcp4')
  listener.bindSync({ host: '127.0.0.1' })
  listener.listenSync()
  const connection = client.socket('tcp4')
  connection.connectSync({ host: '127.0.0.1', port })
  const udp = client.socket('udp4')
  udp.bindSync({ host: '127.0.0.1' })
  channel.post({ tcp: listener.getSockName().port, udp: udp.getSockName().port })
  if (isBlocked) udp.recvSync()
  else await Promise.all([udp.recv(), connection.recv(), listener.accept()])
}

/** Blocks in one call until it ends, and tells how. */
export function blockIn(
  { handle, port, call }: Job & { port: number; call: string },
  channel: Channel,
): string {
  const client = SocketClient.init(handle)
  const connection = client.socket('tcp4')
  connection.connectSync({ host: '127.0.0.1', port })
  const listener = client.socket('tcp4')
  listener.listenSync()
  const udp = client.socket('udp4')
  udp.bindSync({ host: '127.0.0.1' })
  const block = new Uint8Array(1024 * 1024)
  const calls: Record<string, () => unknown> = {
    recv: () => connection.recvSync(),
    recvFrom: () => udp.recvFromSync(),
    peek: () => udp.peekSync(),
    accept: () => listener.acceptSync(),
    poll: () => client.pollSync([udp, connection, listener]),
    send: () => {
      for (;;) connection.sendSync(block)
    },
  }
  channel.post('ready')
  try {
    calls[call]!()
    return 'nothing'
  } catch (error) {
    return String((error as { code?: string }).code)
  }
}

/** Lets a UDP socket go, and stays until it is told to end. */
export async function letGo({ handle }: Job, channel: Channel): Promise<void> {
  const client = SocketClient.init(handle)
  const socket = client.socket('udp4')
  socket.bindSync({ host: '127.0.0.1' })
  channel.post(socket.detach())
  await channel.next()
}

/** Adopts what it is sent, answers one message through it, and says who it was. */
export function adoptAndAnswer({ handle, socket }: Job & { socket: SocketHandle }): string {
  const client = SocketClient.init(handle)
  const adopted = client.adopt(socket)
  const data = adopted.recvSync(100, { timeoutMs: 10_000 })
  adopted.sendSync(data)
  adopted.closeSync()
  client.close()
  return new TextDecoder().decode(data)
}

/** Sends numbered datagrams to the ports in turn; after each it waits until it is told to go on. */
export function sendInStep({
  handle,
  ports,
  rounds,
  id,
}: Job & { ports: number[]; rounds: number; id: number }): number {
  const client = SocketClient.init(handle)
  const socket = client.socket('udp4')
  socket.bindSync({ host: '127.0.0.1' })
  for (let round = 0; round < rounds; round++) {
    const port = ports[(round * 7 + id) % ports.length]!
    socket.sendToSync(`${id} ${round}`, { host: '127.0.0.1', port })
    if (client.pollSync([socket], 10_000).length === 0) return round
    socket.recvSync(1)
  }
  client.close()
  return rounds
}
