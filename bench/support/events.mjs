// What the UDP cases send: the start of a process, as an agent sees it. 270 bytes as JSON, the newline not counted.

const KINDS = 64
/** Numbers start here, so that all have as many digits: every line is as long as any other. */
const FIRST = 10_000_000

export const LINE_BYTES = 270
/** How a line of ours begins: `seq` is the first field. */
export const LINE_START = '{"seq":'

const BINARIES = ['/usr/bin/curl', '/usr/bin/grep', '/usr/bin/find', '/usr/bin/sort']

function makeEvent(kind) {
  const event = {
    seq: FIRST,
    type: 'process_exec',
    node_name: 'node-1',
    pid: 4100 + kind,
    uid: 1000,
    cwd: '/srv/app',
    binary: BINARIES[kind % BINARIES.length],
    arguments: '',
    time: '2026-11-20T10:00:00.000000000Z',
    parent: { pid: 4000, binary: '/usr/bin/bash' },
  }
  event.arguments = '-s --retry 3 https://example.com/'.padEnd(LINE_BYTES - JSON.stringify(event).length, 'x')
  return event
}

const events = Array.from({ length: KINDS }, (_, kind) => makeEvent(kind))

/** The event of that number. The object is used again 64 events later. */
export function eventOf(number) {
  const event = events[number % KINDS]
  event.seq = FIRST + number
  return event
}

/** A line that is ready, as bytes; `stampLine` numbers it. */
export function makeLine() {
  return new TextEncoder().encode(JSON.stringify(eventOf(0)))
}

export function stampLine(line, number) {
  let rest = FIRST + number
  for (let at = LINE_START.length + 7; at >= LINE_START.length; at--) {
    line[at] = 48 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}
