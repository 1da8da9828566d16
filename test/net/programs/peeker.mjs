// Peeks, and waits for all: both at once.
import { client, LONG, say, task } from './common.mjs'

const socket = client.socket('tcp4')
socket.connectSync({ host: '127.0.0.1', port: task.port }, LONG)
for (const room of [new Uint8Array(10), 10]) {
  say(String(Buffer.from(socket.recvSync(10, { ...LONG, peek: true }))))
  try {
    socket.recvSync(room, { timeoutMs: 20, peek: true, waitAll: true })
  } catch (error) {
    say(error.code)
  }
}
client.close()
