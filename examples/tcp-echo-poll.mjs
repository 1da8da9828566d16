// A TCP echo server in one thread, without a promise or a callback: poll, and look at what is ready.
//
//   node examples/tcp-echo-poll.mjs                               a few clients of its own, and what they got
//   node examples/tcp-echo-poll.mjs --port 7777 [--seconds 60]    until then, or Ctrl-C; try `nc 127.0.0.1 7777`

import { once } from 'node:events'
import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { SocketClient } from 'spillway/sockets'
import { positive, readOptions, startWorker } from './support/program.mjs'

const USAGE = 'node examples/tcp-echo-poll.mjs [--port 0] [--host 127.0.0.1] [--seconds 60]'

/** The server: the listener and all connections in one `pollSync`. */
function serve({ handle, host, port, seconds }) {
  const end = performance.now() + seconds * 1000
  const counts = { connections: 0, bytes: 0, reset: 0 }
  const client = SocketClient.init(handle)
  const listener = client.socket('tcp4')
  listener.bindSync({ host, port })
  listener.listenSync()
  parentPort.postMessage({ address: listener.getSockName() })

  // What each connection waits for: something to read, or room for what it could not send yet.
  const waits = new Map([[listener, 'readable']])
  try {
    for (let left = end - performance.now(); left > 0; left = end - performance.now()) {
      const set = [...waits].map(([socket, what]) => ({ socket, [what]: true }))
      for (const { socket } of client.pollSync(set, left)) {
        if (socket !== listener) {
          echo(socket, waits, counts)
          continue
        }
        const connection = now(() => listener.acceptSync({ dontWait: true }))
        if (connection === undefined) continue // it has gone again
        waits.set(connection, 'readable')
        counts.connections++
      }
    }
  } catch (error) {
    if (error.code !== 'ECONNABORTED') throw error // stopped: Ctrl-C, or the main thread has seen enough
  }
  client.close()
  parentPort.postMessage({ counts })
}

/** Sends back what lies there from where it lies. What the peer does not take stays, and so holds up what it sends. */
function echo(socket, waits, counts) {
  try {
    const next = now(() => socket.peekSync({ dontWait: true }))
    if (next === undefined) return
    if (next.bytes > 0) {
      const sent = now(() => socket.sendSync(next.data, { dontWait: true })) ?? 0
      socket.release(sent)
      counts.bytes += sent
      waits.set(socket, sent < next.bytes ? 'writable' : 'readable')
      return
    }
    // The peer has ended, and has all of it back but what close() still delivers.
  } catch (error) {
    if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') throw error
    counts.reset++
  }
  waits.delete(socket)
  socket.closeSync()
}

/** What the call gives; `undefined` when it would have to wait after all. */
function now(call) {
  try {
    return call()
  } catch (error) {
    if (error.code !== 'EWOULDBLOCK') throw error
  }
}

async function main() {
  const { host, port, seconds, isDemo } = readOptions(USAGE, () => {
    const text = { type: 'string' }
    const { values } = parseArgs({ options: { port: text, host: text, seconds: text } })
    const { host = '127.0.0.1', port = '0', seconds = 'Infinity' } = values
    const isDemo = Object.keys(values).length === 0
    return { host, port: Number(port), seconds: positive('--seconds', seconds), isDemo }
  })
  const settings = { host, port, seconds }
  const { server } = await startWorker(import.meta.url, settings, async ({ address, counts }) => {
    if (counts !== undefined)
      return console.log(
        `${counts.connections} connections, ${counts.bytes} bytes echoed, ${counts.reset} reset by the peer`,
      )
    console.log(`listening on ${address.address}:${address.port}`)
    if (!isDemo) return
    await Promise.all([1, 1000, 1_000_000, 10_000_000].map((bytes) => tryOut(address.port, bytes)))
    server.stop() // the worker's poll finds ECONNABORTED
  })
  process.once('SIGINT', () => server.stop())
}

/** A client that sends so many bytes, says that it has done so, and counts what comes back. */
async function tryOut(port, bytes) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let back = 0
  socket.on('data', (chunk) => {
    back += chunk.length
  })
  socket.end(Buffer.alloc(bytes, 'echo'))
  await once(socket, 'end')
  console.log(`a client sent ${bytes} bytes, and got ${back} back`)
  if (back !== bytes) process.exitCode = 1
}

if (isMainThread) await main()
else serve(workerData)
