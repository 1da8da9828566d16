// The far side of a thread-stream: takes the text apart into records of one length, and checks each.
import { Writable } from 'node:stream'
import { parentPort } from 'node:worker_threads'
import { InOrder } from './records.mjs'

export default async function open({ count, bytes }) {
  const reader = count === undefined ? undefined : new InOrder(count, bytes)
  let rest = ''
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      if (reader !== undefined && !reader.isDone) {
        const text = rest + chunk
        let at = 0
        for (; at + bytes <= text.length; at += bytes) reader.textIn(text, at)
        rest = text.slice(at)
        if (reader.isDone) finish(reader)
      }
      done()
    },
  })
}

function finish(reader) {
  let outcome
  try {
    outcome = reader.result()
  } catch (error) {
    outcome = { failure: error.message }
  }
  parentPort.postMessage({ code: 'EVENT', name: 'outcome', args: [outcome] })
}
