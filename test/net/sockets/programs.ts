/** Whole programs: what keeps a process with sockets alive, and what does not. */
export const socketPrograms: Readonly<Record<string, { source: string; prints: string[] }>> = {
  'a socket server and what it has open keep nothing alive': {
    source: `
      const { SocketClient, SocketServer } = await import('spillway/sockets')
      const server = await SocketServer.start()
      const client = SocketClient.init(server.handle)
      const socket = client.socket('udp4')
      await socket.bind({ host: '127.0.0.1' })
      const listener = client.socket('tcp4')
      await listener.listen()
      console.log('end of the program')`,
    prints: ['end of the program'],
  },
  'a call that waits for a socket keeps the process alive': {
    source: `
      const { SocketClient, SocketServer } = await import('spillway/sockets')
      const timers = await import('node:timers')
      const server = await SocketServer.start()
      const client = SocketClient.init(server.handle)
      const [socket, other] = [client.socket('udp4'), client.socket('udp4')]
      await socket.bind({ host: '127.0.0.1' })
      timers.setTimeout(() => other.sendToSync('hello', socket.getSockName()), 300).unref()
      console.log(new TextDecoder().decode(await socket.recv()))`,
    prints: ['hello'],
  },
  'a worker that blocks in calls is served while its starter does nothing': {
    source: `
      const { SocketClient, SocketServer } = await import('spillway/sockets')
      const threads = await import('node:worker_threads')
      if (threads.isMainThread) {
        const server = await SocketServer.start()
        const worker = new threads.Worker(new URL(import.meta.url), { workerData: server.handle })
        worker.on('message', (line) => console.log(line))
        worker.once('exit', () => server.stop().then(() => console.log('stopped')))
      } else {
        const client = SocketClient.init(threads.workerData)
        const listener = client.socket('tcp4')
        listener.bindSync({ host: '127.0.0.1' })
        listener.listenSync()
        const near = client.socket('tcp4')
        near.connectSync({ host: '127.0.0.1', port: listener.getSockName().port })
        near.sendSync('through the kernel')
        threads.parentPort.postMessage(new TextDecoder().decode(listener.acceptSync().recvSync()))
        client.close()
      }`,
    prints: ['through the kernel', 'stopped'],
  },
}
