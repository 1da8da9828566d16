// The worker of synckit that holds a connection: sends what it is asked with, and answers with as many bytes that came back.
import { once } from 'node:events'
import { connect } from 'node:net'
import { runAsWorker } from 'synckit'
import { HOST } from './udp.mjs'

let socket

runAsWorker(async (port, bytes) => {
  socket ??= await open(port)
  return exchange(socket, bytes)
})

async function open(port) {
  const socket = connect({ port, host: HOST, noDelay: true })
  await once(socket, 'connect')
  return socket
}

function exchange(socket, bytes) {
  return new Promise((resolve) => {
    const answer = []
    let length = 0
    const take = (piece) => {
      answer.push(piece)
      length += piece.length
      if (length < bytes.length) return
      socket.off('data', take)
      resolve(answer.length === 1 ? piece : Buffer.concat(answer))
    }
    socket.on('data', take)
    socket.write(bytes)
  })
}
