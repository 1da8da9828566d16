// Sends several buffers at once, and waits for one byte in answer to them, again and again.
import { client, LONG, say, task } from './common.mjs'

const socket = client.socket('tcp4')
socket.setOptionSync('SO_SNDBUF', task.ringBytes)
socket.connectSync({ host: '127.0.0.1', port: task.port }, LONG)
for (const buffers of task.messages) {
  socket.sendMsgSync(buffers, LONG)
  socket.recvSync(1, LONG)
}
say('done')
client.close()
