/** Connects and sends until nothing more is taken. Answers how many bytes were. */
export function fill(socket, port) {
  socket.connectSync({ host: '127.0.0.1', port }, { timeoutMs: 5000 })
  const bytes = new Uint8Array(65536)
  let sent = 0
  for (let tries = 0; tries < 3; ) {
    try {
      // What the kernel still takes is asked for by a short wait: it is full when a whole one brings nothing.
      sent += socket.sendSync(bytes, { timeoutMs: 30 })
      tries = 0
    } catch (error) {
      if (error.code !== 'ETIMEDOUT') throw error
      tries++
    }
  }
  return sent
}
