// HTTP/1.1 as straight code in a worker: connect, send, read lines, read the body. No promise, no callback, one deadline.
//
//   node examples/sync-http-get.mjs http://example.org/ [--timeout 10000]
//   node examples/sync-http-get.mjs                                         three kinds of body, from a server of its own

import { once } from 'node:events'
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { SocketClient } from 'spillway/sockets'
import { Input } from './support/input.mjs'
import { positive, readOptions, startWorker } from './support/program.mjs'

const USAGE = 'node examples/sync-http-get.mjs [http://host[:port]/path] [--timeout ms]'

/** Answers `{ status, headers, body }`, or throws: no later than `timeoutMs`. */
function getSync(client, url, timeoutMs) {
  const { host, hostname, port, pathname, search } = new URL(url)
  const address = hostname.replace(/^\[|\]$/g, '')
  const socket = client.socket(address.includes(':') ? 'tcp6' : 'tcp4')
  const deadlineMs = performance.now() + timeoutMs
  const left = () => ({ timeoutMs: Math.max(0, deadlineMs - performance.now()) })
  try {
    socket.connectSync({ host: address, port: Number(port || 80) }, left())
    socket.sendSync(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, left())
    const input = new Input(() => socket.recvSync(65536, left()))
    let head = readHead(input)
    while (head.status < 200) head = readHead(input) // 103 Early Hints and their like
    return { ...head, body: readBody(input, head) }
  } finally {
    socket.closeSync()
  }
}

function readHead(input) {
  const [, status] = match(/^HTTP\/1\.\d (\d{3})/, input.line(), 'status')
  const headers = []
  for (let line = input.line(); line !== ''; line = input.line())
    headers.push(match(/^([^:\s]+):\s*(.*)$/, line, 'header').slice(1))
  return { status: Number(status), headers }
}

function readBody(input, { status, headers }) {
  const header = (wanted) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
  if (status === 204 || status === 304) return Buffer.alloc(0)
  if (/\bchunked$/i.test(header('transfer-encoding') ?? '')) return readChunks(input)
  const length = header('content-length') // without one: all there is until the end of the connection
  return input.bytes(length === undefined ? Infinity : Number(match(/^\d+$/, length, 'Content-Length')[0]))
}

function readChunks(input) {
  const chunks = []
  for (;;) {
    const [, size] = match(/^([\da-f]+)\s*(?:;.*)?$/i, input.line(), 'size of a chunk')
    if (Number.parseInt(size, 16) === 0) break
    chunks.push(input.bytes(Number.parseInt(size, 16)))
    match(/^$/, input.line(), 'end of a chunk')
  }
  while (input.line() !== ''); // trailers
  return Buffer.concat(chunks)
}

function match(pattern, text, what) {
  const found = pattern.exec(text)
  if (found === null) throw new Error(`this is no HTTP/1.1: ${JSON.stringify(text)} as the ${what}`)
  return found
}

async function main() {
  const { url, timeoutMs } = readOptions(USAGE, () => {
    const options = { timeout: { type: 'string', default: '10000' } }
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    const [url] = positionals
    if (positionals.length > 1) throw new Error(`one URL, not ${positionals.length}`)
    if (url !== undefined && new URL(url).protocol !== 'http:')
      throw new Error('there is no TLS here, only http://')
    return { url, timeoutMs: positive('--timeout', values.timeout) }
  })
  const demo = url === undefined ? await startDemo() : undefined
  const urls = demo?.urls ?? [url]
  const { worker } = await startWorker(
    import.meta.url,
    { urls, timeoutMs },
    ({ url, status, headers, body }) => {
      console.log([`${url}: ${status}`, ...headers.map((header) => header.join(': ')), ''].join('\n'))
      process.stdout.write(body)
      console.log()
    },
  )
  worker.once('exit', () => demo?.server.close())
}

async function startDemo() {
  const server = createServer(({ url }, response) => {
    if (url === '/length') return response.end('a body of a known length')
    if (url === '/close') response.useChunkedEncodingByDefault = false
    for (const part of ['a body ', 'in ', 'parts']) response.write(part)
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  return { server, urls: ['length', 'chunked', 'close'].map((path) => `http://127.0.0.1:${port}/${path}`) }
}

if (isMainThread) await main()
else {
  const client = SocketClient.init(workerData.handle)
  for (const url of workerData.urls)
    parentPort.postMessage({ url, ...getSync(client, url, workerData.timeoutMs) })
  client.close()
}
