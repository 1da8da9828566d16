// Sends without an end over one connection after another, and says how each ended.
import { client, LONG, say, task } from './common.mjs'

const flood = new Uint8Array(1 << 20)
for (let i = 0; i < task.connections; i++) {
  const socket = client.socket('tcp4')
  socket.connectSync({ host: '127.0.0.1', port: task.port }, LONG)
  try {
    for (;;) socket.sendSync(flood, LONG)
  } catch (error) {
    say(error.code)
  }
  socket.closeSync()
}
client.close()
