// Sends datagrams to one peer, and waits for an answer to each.
import { client, LONG, say, task } from './common.mjs'

const socket = client.socket('udp4')
socket.connectSync({ host: '127.0.0.1', port: task.port })
for (const datagram of task.datagrams) {
  socket.sendSync(datagram)
  say(socket.recvSync(65536, LONG))
}
client.close()
