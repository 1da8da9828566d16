// A small HTTP/1.1 server in one thread, by poll: connections that are kept, bodies of any size, readers as slow as they like.
import { createHash } from 'node:crypto'
import { client, listen, task, untilStopped } from './common.mjs'

const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')

class Connection {
  #socket
  #input = Buffer.alloc(0)
  /** What is still to be sent. */
  #output = []
  #request
  #isLast = false

  constructor(socket) {
    this.#socket = socket
  }

  get waits() {
    return { socket: this.#socket, readable: this.#output.length === 0, writable: this.#output.length > 0 }
  }

  /** `false`: it is over. */
  go() {
    try {
      if (this.#output.length === 0 && !this.#receive()) return false
      this.#send()
    } catch (error) {
      if (error.code === 'EWOULDBLOCK') return true
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return false
      throw error
    }
    return !(this.#isLast && this.#output.length === 0)
  }

  #receive() {
    const bytes = this.#socket.recvSync(65536, { dontWait: true })
    if (bytes.length === 0) return false
    this.#take(bytes)
    return true
  }

  #send() {
    while (this.#output.length > 0) {
      const [first] = this.#output
      const sent = this.#socket.sendSync(first, { dontWait: true })
      if (sent === first.length) this.#output.shift()
      else this.#output[0] = first.subarray(sent)
    }
  }

  #take(bytes) {
    if (this.#request === undefined) {
      this.#input = Buffer.concat([this.#input, bytes])
      const end = this.#input.indexOf('\r\n\r\n')
      if (end < 0) return
      this.#begin(String(this.#input.subarray(0, end)))
      bytes = this.#input.subarray(end + 4)
      this.#input = Buffer.alloc(0)
    }
    const request = this.#request
    const part = bytes.subarray(0, request.missing)
    request.hash.update(part)
    request.missing -= part.length
    if (request.missing > 0) return
    this.#answer(request)
    this.#request = undefined
    if (part.length < bytes.length) this.#take(bytes.subarray(part.length)) // the next one came with it
  }

  #begin(head) {
    const [, method, path, version] = /^(\S+) (\S+) HTTP\/(1\.[01])/.exec(head)
    const header = (name) => new RegExp(`^${name}: *(.*?) *$`, 'im').exec(head)?.[1]
    this.#isLast = version === '1.0' || /close/i.test(header('connection') ?? '')
    if (/100-continue/i.test(header('expect') ?? '')) this.#socket.sendSync(CONTINUE)
    const missing = Number(header('content-length') ?? 0)
    this.#request = { method, path, missing, hash: createHash('sha256') }
  }

  #answer({ method, path, hash }) {
    const body = method === 'POST' ? Buffer.from(hash.digest('hex')) : bodies[path]
    const { length } = body ?? ''
    const head = [`HTTP/1.1 ${body === undefined ? '404 Not Found' : '200 OK'}`, `Content-Length: ${length}`]
    if (this.#isLast) head.push('Connection: close')
    this.#output.push(Buffer.from(`${head.join('\r\n')}\r\n\r\n`))
    if (method !== 'HEAD' && length > 0) this.#output.push(body)
  }
}

const bodies = { '/hello': Buffer.from('hello\n'), '/big': task.data }
const listener = listen()
const connections = new Map()

untilStopped(() => {
  const set = [listener, ...[...connections.values()].map(({ waits }) => waits)]
  for (const { socket } of client.pollSync(set)) {
    if (socket === listener) accept()
    else if (!connections.get(socket).go()) {
      connections.delete(socket)
      socket.closeSync()
    }
  }
})

function accept() {
  try {
    const socket = listener.acceptSync({ dontWait: true })
    connections.set(socket, new Connection(socket))
  } catch (error) {
    if (error.code !== 'EWOULDBLOCK') throw error // it has gone again
  }
}
