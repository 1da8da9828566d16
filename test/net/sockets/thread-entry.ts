// What the threads of the sockets' suites do: each function is run by name in a thread of its own (support/hosts).
import { SocketClient, type SocketServerHandle } from 'spillway/sockets'

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
