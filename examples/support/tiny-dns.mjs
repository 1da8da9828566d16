// A DNS server that knows one zone, and loses the first query that it gets, as networks do.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { encodeAnswer, NO_SUCH_NAME, readMessage, TYPES } from './dns-message.mjs'

const zone = [
  { name: 'www.example.test', type: 'CNAME', data: 'web.example.test' },
  { name: 'web.example.test', type: 'A', data: [192, 0, 2, 80] },
  { name: 'web.example.test', type: 'A', data: [192, 0, 2, 81] },
  { name: 'web.example.test', type: 'AAAA', data: Buffer.from('20010db8000000000000000000000050', 'hex') },
]

export async function startTinyDns() {
  const socket = createSocket('udp4')
  let queries = 0
  socket.on('message', (bytes, { address, port }) => {
    if (queries++ > 0) socket.send(answer(readMessage(bytes)), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { host: '127.0.0.1', port: socket.address().port, close: () => socket.close() }
}

function answer(query) {
  const records = []
  let { name } = query
  for (const record of zone) {
    if (record.name !== name || (record.type !== 'CNAME' && TYPES[record.type] !== query.type)) continue
    records.push(record)
    if (record.type === 'CNAME') name = record.data // what it stands for comes after it in the zone
  }
  return encodeAnswer(query, records, {
    code: zone.some((record) => record.name === name) ? 0 : NO_SUCH_NAME,
  })
}
