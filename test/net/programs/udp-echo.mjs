// Sends every datagram back, to whom it came from.
import { client, say, untilStopped } from './common.mjs'

const socket = client.socket('udp4')
socket.bindSync({ host: '127.0.0.1', port: 0 })
say(socket.getSockName())
untilStopped(() => {
  const { data, address, port } = socket.recvFromSync()
  socket.sendToSync(data, { address, port })
})
