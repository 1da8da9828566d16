// One connection, and what is to be done with it, step by step.
import { client, LONG, listen, say, task } from './common.mjs'

const steps = {
  send: () => socket.sendSync(task.data, LONG),
  shutdown: () => socket.shutdownSync('write'),
  receive() {
    const chunks = []
    do chunks.push(socket.recvSync(65536, LONG))
    while (chunks.at(-1).length > 0)
    say(Buffer.concat(chunks))
  },
}

const socket = task.port === undefined ? listen().acceptSync(LONG) : client.socket('tcp4')
if (task.port !== undefined) socket.connectSync({ host: '127.0.0.1', port: task.port }, LONG)
for (const step of task.steps) steps[step]()
socket.setOptionSync('SO_LINGER', 20)
socket.closeSync() // all of it has been taken when this returns
client.close()
