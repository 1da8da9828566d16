// A DNS resolver as straight code in a worker: build the query, send it, wait for the answer, ask again when none comes.
//
//   node examples/sync-dns.mjs example.org --server 9.9.9.9:53 [--type AAAA] [--timeout 5000]
//   node examples/sync-dns.mjs                             asks a small server of its own, which loses the first query

import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { SocketClient } from 'spillway/sockets'
import { encodeQuery, NO_SUCH_NAME, readMessage, TYPES } from './support/dns-message.mjs'
import { Input } from './support/input.mjs'
import { positive, readOptions, startWorker } from './support/program.mjs'
import { startTinyDns } from './support/tiny-dns.mjs'

const USAGE = 'node examples/sync-dns.mjs [name] [--server host[:port]] [--type A|AAAA] [--timeout ms]'
const FIRST_WAIT_MS = 250

/** Answers `{ addresses, queries }`; throws when there are none, or no answer in time. */
function resolveSync(client, server, name, type, timeoutMs) {
  const deadlineMs = performance.now() + timeoutMs
  const query = encodeQuery(randomInt(65536), name, TYPES[type])
  const socket = client.socket(server.host.includes(':') ? 'udp6' : 'udp4')
  try {
    socket.connectSync(server, { timeoutMs }) // from here on, nobody else's datagrams are received
    let waitMs = FIRST_WAIT_MS
    for (let queries = 1; performance.now() < deadlineMs; queries++, waitMs *= 2) {
      socket.sendSync(query)
      const answer = receiveAnswer(socket, query, Math.min(performance.now() + waitMs, deadlineMs))
      if (answer === undefined) continue
      const whole = answer.isTruncated ? askOverTcp(client, server, query, deadlineMs) : answer
      return { addresses: addressesIn(whole, name, type), queries }
    }
    throw new Error(
      `${server.host}:${server.port} does not answer: is it a DNS server? Or give more --timeout`,
    )
  } finally {
    socket.closeSync()
  }
}

/** The answer to the query; `undefined` when none comes in time. Anything else that comes is left aside. */
function receiveAnswer(socket, query, untilMs) {
  for (;;) {
    try {
      const bytes = socket.recvSync(65536, { timeoutMs: Math.max(0, untilMs - performance.now()) })
      const answer = toAnswer(Buffer.from(bytes.buffer), query)
      if (answer !== undefined) return answer
    } catch (error) {
      if (error.code !== 'ETIMEDOUT') throw error
      return undefined
    }
  }
}

/** An answer that is too long for a datagram: the same query over TCP, each message behind its length. */
function askOverTcp(client, server, query, deadlineMs) {
  const left = () => ({ timeoutMs: Math.max(0, deadlineMs - performance.now()) })
  const socket = client.socket(server.host.includes(':') ? 'tcp6' : 'tcp4')
  try {
    socket.connectSync(server, left())
    socket.sendMsgSync([Uint8Array.of(query.length >> 8, query.length), query], left())
    const input = new Input(() => socket.recvSync(65536, left()))
    const answer = toAnswer(input.bytes(input.bytes(2).readUInt16BE()), query)
    if (answer === undefined) throw new Error('what came over TCP is no answer to the query')
    return answer
  } finally {
    socket.closeSync()
  }
}

/** The message, if it answers this query. */
function toAnswer(bytes, query) {
  try {
    const [answer, asked] = [readMessage(bytes), readMessage(query)]
    const isIt = answer.isAnswer && ['id', 'name', 'type'].every((part) => answer[part] === asked[part])
    return isIt ? answer : undefined
  } catch {
    return undefined // no DNS
  }
}

function addressesIn({ code, answers }, name, type) {
  if (code === NO_SUCH_NAME) throw new Error(`there is no ${name}`)
  if (code !== 0) throw new Error(`the server cannot tell: response code ${code}`)
  let owner = name.toLowerCase().replace(/\.$/, '')
  for (const { name, type, data } of answers) if (type === TYPES.CNAME && name === owner) owner = data
  const found = answers.filter((record) => record.name === owner && record.type === TYPES[type])
  if (found.length === 0) throw new Error(`${name} has no ${type} record`)
  return found.map(({ data }) => data)
}

async function main() {
  const text = { type: 'string' }
  const { server, ...settings } = readOptions(USAGE, () => {
    const options = { server: text, type: { ...text, default: 'A' }, timeout: { ...text, default: '5000' } }
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    const [name = 'www.example.test'] = positionals
    if (positionals.length > 1) throw new Error(`one name, not ${positionals.length}`)
    if (values.type !== 'A' && values.type !== 'AAAA')
      throw new Error(`--type is A or AAAA, not ${values.type}`)
    const { server, type, timeout } = values
    return { server: server && toServer(server), name, type, timeoutMs: positive('--timeout', timeout) }
  })
  const tiny = server === undefined ? await startTinyDns() : undefined
  const { host, port } = server ?? tiny
  const workerSettings = { ...settings, server: { host, port } }
  const { worker } = await startWorker(import.meta.url, workerSettings, ({ addresses, queries }) => {
    for (const address of addresses) console.log(`${settings.name} ${settings.type} ${address}`)
    if (queries > 1) console.log(`${queries} queries: there was no answer to ${queries - 1} of them`)
  })
  worker.once('exit', () => tiny?.close())
}

/** `host`, `host:port` or `[host]:port`. */
function toServer(text) {
  if (!URL.canParse(`dns://${text}`)) throw new Error(`--server is host:port, not ${text}`)
  const { hostname, port } = new URL(`dns://${text}`)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 53) }
}

if (isMainThread) await main()
else {
  const { handle, server, name, type, timeoutMs } = workerData
  const client = SocketClient.init(handle)
  parentPort.postMessage(resolveSync(client, server, name, type, timeoutMs))
  client.close()
}
