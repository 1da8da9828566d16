// A collector in a process of its own, whose sink looks at each line's number.
import { Collector } from 'spillway/collector'
import { options, standBy } from './helper-end.mjs'

const DIGITS = 8
const START = '{"seq":'.length
const NEWLINE = 0x0a

let received = 0
let inOrder = true
let last = -1

const collector = await Collector.open({
  ...options,
  queueBytes: 2 ** 27,
  capacity: 2 ** 20,
  sink: ({ bytes, count }) => {
    received += count
    for (let at = 0; at < bytes.length; at = bytes.indexOf(NEWLINE, at) + 1) {
      let seq = 0
      for (let i = at + START; i < at + START + DIGITS; i++) seq = seq * 10 + bytes[i] - 48
      inOrder &&= seq > last
      last = seq
    }
  },
})

standBy({ port: collector.address().port }, async () => {
  await collector.close()
  return { received, inOrder }
})
