// A DNS server in one thread: datagrams, and what is too long for them over TCP, by one poll.
import { encodeAnswer, NO_SUCH_NAME, readMessage, TYPES } from '../../../examples/support/dns-message.mjs'
import { Input } from '../../../examples/support/input.mjs'
import { client, LONG, listen, untilStopped } from './common.mjs'

const MOST_BYTES = 65535
const records = {
  'host.test': [
    { type: 'A', data: [10, 1, 2, 3] },
    { type: 'AAAA', data: Buffer.from('fd000000000000000000000000000007', 'hex') },
  ],
  'alias.test': [{ type: 'CNAME', data: 'host.test' }],
  'long.test': Array.from({ length: 100 }, (_, i) => ({ type: 'TXT', data: `text ${i} ${'x'.repeat(100)}` })),
}

function answer(bytes, mostBytes) {
  const query = readMessage(Buffer.from(bytes))
  const own = records[query.name]
  if (own === undefined) return encodeAnswer(query, [], { code: NO_SUCH_NAME })
  const found = own.map((record) => ({ name: query.name, ...record }))
  const [first] = found
  if (first.type === 'CNAME')
    found.push(...records[first.data].map((record) => ({ name: first.data, ...record })))
  const wanted = found.filter(({ type }) => type === 'CNAME' || TYPES[type] === query.type)
  return encodeAnswer(query, wanted, { mostBytes })
}

/** One query; dig asks no more over one connection. */
function serveConnection(socket) {
  const input = new Input(() => socket.recvSync(65536, LONG))
  const reply = answer(input.bytes(input.bytes(2).readUInt16BE()), MOST_BYTES)
  socket.sendMsgSync([Uint8Array.of(reply.length >> 8, reply.length), reply])
  socket.closeSync()
}

const listener = listen()
const socket = client.socket('udp4')
socket.bindSync(listener.getSockName())
untilStopped(() => {
  for (const ready of client.pollSync([listener, socket])) {
    if (ready.socket === listener) serveConnection(listener.acceptSync(LONG))
    else {
      const { data, address, port } = socket.recvFromSync()
      socket.sendToSync(answer(data, 512), { address, port })
    }
  }
})
