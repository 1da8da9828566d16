// What is measured, against what, and how it should come out (P1 to P16 are the project's targets), and beside it what is good to know.

const shapes = (bytes, capacity) => `${bytes}-${capacity}`
const SHAPES = [
  [64, 1024],
  [64, 65536],
  [256, 1024],
  [256, 65536],
]

/**
 * Peers in other languages can't be run from here; these are figures of one machine (2 vCPU, November 2026), measured on
 * the shapes of bench/README.md. On another machine they say nothing: only rivals that run in turn do.
 */
const elsewhere = {
  'go-diodes OneToOne, copying': { ns: 198 },
  'go-diodes OneToOne, across threads': { rate: 2.5 },
  'Agrona OneToOne': { ns: 56, rate: 20 },
  'C, send of one event a datagram': { rate: 0.43 },
  'Go sender with protojson': { thousands: 56 }, // 39 to 73
}

/** Who else brings events to a UDP port: as in `clients` of support/clients.mjs. */
const rivals = {
  dgram: 'dgram',
  packing: 'dgram, packed by hand',
  'pino-socket-capped': 'pino-socket, capped',
  winston: 'winston',
  'hot-shots': 'hot-shots event',
  'hot-shots-increment': 'hot-shots increment',
}
const HALF = new Set(['pino-socket-capped', 'hot-shots'])
/** Those that stand in the README. */
const FOREMOST = new Set(['dgram', 'pino-socket-capped', 'winston', 'hot-shots'])

/**
 * Each group, and the page that has its table. The exporter's are the cases that bring something to a UDP port, those of sockets, gudp,
 * nats and loggers are named so.
 */
export const groups = {
  exporter: 'README.md',
  core: 'README.md',
  sockets: 'README.md',
  gudp: 'README.md',
  nats: 'README.md',
  loggers: 'docs/loggers.md',
}
const onTheWire = new Set([
  'event-caller',
  'event-loop',
  'allocation',
  'udp-lines',
  'udp-events',
  'metadata',
  'idle',
])

const ofBurst = {
  '50,000 lines in one turn: sent, %': 'logger-burst#sent',
  'the process grew meanwhile by, MiB': 'logger-burst#grownMiB',
}
/** What is told of a logger: the columns of the table, and where their figures come from. */
const ofLogger = {
  ...ofBurst,
  '`process.exit()` after 1000 lines: arrived, %': 'logger-exit#arrived',
  'a call, ns': 'event-caller#ns',
  'with what it leaves for later, ns': 'event-caller#inAll',
}
/** Its heads, the variant that each stands for, and what is told of it. More room changes nothing but the burst. */
const loggers = [
  ['pino by spillway, without a worker', 'pino-destination', ofLogger],
  ['the same with `capacity: 65_536`', 'pino-destination-roomy', ofBurst],
  ['pino by spillway, in its worker', 'pino-transport', ofLogger],
  ['pino by pino-socket', 'pino-socket', ofLogger],
  ['pino by pino-socket, `maxUdpPacketSize: 65_507`', 'pino-socket-capped', ofLogger],
  ['winston by spillway', 'spillway-winston', ofLogger],
  ['winston by dgram', 'winston', ofLogger],
  ['OpenTelemetry by spillway', 'spillway-otel', ofLogger],
  ["OpenTelemetry by the SDK's batching", 'otel-batch', ofLogger],
  ['the same with `maxQueueSize: 65_536`', 'otel-batch-roomy', ofBurst],
  ['no logger, `encode` of spillway', 'spillway', ofLogger],
  ['no logger, `event` of hot-shots', 'hot-shots', ofLogger],
]

/**
 * `of` and `to` are `case/variant#figure`. `as`: what is made of the two (`ratio`, `difference`), or of `of` alone (`value`).
 * `want`: a bound; `stretch`: a better one; rows with neither are there for comparison.
 * `cell`: where it stands, in a group whose table has a column for each figure.
 */
export const rows = [
  row('P1', 'set(string) / thread-stream write', 'caller/set-string#ns', 'caller/thread-stream#ns', '<= 0.5'),
  row('P1', 'set(string) / encodeInto', 'caller/set-string#ns', 'caller/encodeInto#ns', '<= 2', '<= 1.3'),
  row('', 'set(string), all / thread-stream, all', 'caller/set-string#inAll', 'caller/thread-stream#inAll'),
  row('', 'set(string) / postMessage(string)', 'caller/set-string#ns', 'caller/postMessage#ns'),
  row('', 'set(string), nobody reads / encodeInto', 'caller/set-string-unread#ns', 'caller/encodeInto#ns'),
  row('', 'set(bytes) / thread-stream write', 'caller/set-bytes#ns', 'caller/thread-stream#ns'),
  row('', 'set(bytes), nobody reads', 'caller/set-bytes-unread#ns'),

  ...SHAPES.flatMap(([bytes, capacity]) => {
    const shape = shapes(bytes, capacity)
    const want = shape === '256-1024' ? '<= 0.25' : undefined
    return [
      row(
        want && 'P2',
        `set + tryNext / ringbuf.js, ${shape}`,
        `same-thread/next-${shape}#ns`,
        `same-thread/ringbuf-${shape}#ns`,
        want,
      ),
      row(
        '',
        `set + drain / ringbuf.js, ${shape}`,
        `same-thread/drain-${shape}#ns`,
        `same-thread/ringbuf-${shape}#ns`,
      ),
    ]
  }),
  row(
    'P2',
    'set + tryNext / go-diodes †',
    'same-thread/next-256-1024#ns',
    peer('go-diodes OneToOne, copying', 'ns'),
    '<= 1',
  ),
  row(
    'P2',
    'set + tryNext / Agrona †',
    'same-thread/next-256-1024#ns',
    peer('Agrona OneToOne', 'ns'),
    undefined,
    '<= 2',
  ),
  row(
    '',
    'ManyToOne / OneToOne, 256-1024',
    'same-thread/many-to-one-256-1024#ns',
    'same-thread/next-256-1024#ns',
  ),

  ...SHAPES.flatMap(([bytes, capacity]) => {
    const shape = shapes(bytes, capacity)
    const isTarget = shape === '256-1024'
    const of = `across-threads/drain-${shape}#rate`
    return [
      row(
        isTarget && 'P3',
        `lossless, drain / ringbuf.js, ${shape}`,
        of,
        `across-threads/ringbuf-${shape}#rate`,
        isTarget && '>= 4',
      ),
      row(
        '',
        `lossless, tryNext / ringbuf.js, ${shape}`,
        `across-threads/next-${shape}#rate`,
        `across-threads/ringbuf-${shape}#rate`,
      ),
      row(
        isTarget && 'P3',
        `lossless, drain / thread-stream, ${shape}`,
        of,
        `across-threads/thread-stream-${bytes}#rate`,
        isTarget && '>= 3',
      ),
      row('', `lossless, drain / MessagePort, ${shape}`, of, `across-threads/port-${bytes}#rate`),
    ]
  }),
  row(
    'P3',
    'lossless, drain / go-diodes †',
    'across-threads/drain-256-1024#rate',
    peer('go-diodes OneToOne, across threads', 'rate'),
    '>= 2',
  ),
  row(
    'P3',
    'lossless, drain / Agrona †',
    'across-threads/drain-256-1024#rate',
    peer('Agrona OneToOne', 'rate'),
    undefined,
    '>= 1',
  ),

  row(
    'P4',
    'flood, 1 writer: loss of ManyToOne less that of OneToOne',
    'flood/many-to-one-1#loss',
    'flood/one-to-one-1#loss',
    '<= 0.02',
    undefined,
    'difference',
  ),
  row('', 'flood, OneToOne: loss', 'flood/one-to-one-1#loss'),
  row('', 'flood, 4 writers: delivered, M/s', 'flood/many-to-one-4#rate'),
  row('', 'flood, 4 writers: loss', 'flood/many-to-one-4#loss'),
  row(
    '',
    'full all the time: delivered / lossless',
    'flood/busy-lossy#rate',
    'flood/busy-lossless#rate',
    '>= 0.9',
  ),

  row(
    'P5',
    'set after a sleeper was there, less before, ns',
    'signal/set-slept-once#ns',
    'signal/set-never-slept#ns',
    '<= 15',
    undefined,
    'difference',
  ),
  row('P5', 'wake-ups a sleep', 'signal/wakes-per-sleep#ringsPerSleep', undefined, '<= 1.1'),
  row('', 'wake-ups a record, bursts of 100', 'signal/wakes-per-sleep#ringsPerRecord'),
  ...['p50', 'p99'].flatMap((p) => [
    row(
      '',
      `to a worker, ${p}: nextSync / MessagePort`,
      `signal/latency-nextSync#${p}`,
      `signal/latency-port-to-worker#${p}`,
    ),
    row(
      '',
      `to main, ${p}: next / MessagePort`,
      `signal/latency-next#${p}`,
      `signal/latency-port-to-main#${p}`,
    ),
  ]),

  row(
    'P6',
    'encode(event) less its JSON.stringify, ns',
    'event-caller/encode-and-stringify#ns',
    'event-caller/encode-and-stringify#stringifyNs',
    '<= 250',
    '<= 120',
    'difference',
  ),
  ...Object.entries(rivals).map(([variant, name]) => {
    const isTarget = HALF.has(variant)
    const of = 'event-caller/encode#ns'
    return row(
      FOREMOST.has(variant) && 'P6',
      `encode(event) / ${name}`,
      of,
      `event-caller/${variant}#ns`,
      isTarget && '<= 0.5',
    )
  }),
  row(
    'P6',
    'logger.info of pino by destination / pino-socket, capped',
    'event-caller/pino-destination#ns',
    'event-caller/pino-socket-capped#ns',
    '<= 0.5',
  ),
  row(
    '',
    'logger.info of pino by our transport / pino-socket, capped',
    'event-caller/pino-transport#ns',
    'event-caller/pino-socket-capped#ns',
  ),
  row(
    '',
    'the same by destination, all / pino-socket, capped, all',
    'event-caller/pino-destination#inAll',
    'event-caller/pino-socket-capped#inAll',
  ),
  row('', 'pino by our transport: lost', 'event-caller/pino-transport#lost'),
  row('', 'pino-socket as it comes: lost', 'event-caller/pino-socket#lost'),
  row('', 'encode(event), all / winston, all', 'event-caller/encode#inAll', 'event-caller/winston#inAll'),
  row(
    'P6',
    'event loop delay, p99, less stringify / at rest',
    'event-loop/spillway#overIdle',
    undefined,
    '<= 1.2',
  ),
  ...Object.entries(rivals).map(([variant, name]) =>
    row('', `the same with ${name}`, `event-loop/${variant}#overIdle`),
  ),

  row('P7', 'write(bytes), ns', 'event-caller/write-bytes#ns', undefined, '<= 200', '<= 120'),
  row('P7', 'write(string), ns', 'event-caller/write-string#ns', undefined, '<= 200', '<= 120'),
  row('P7', 'bytes allocated by write(bytes)', 'allocation/write-bytes#bytes', undefined, '<= 1'),
  row('', 'bytes allocated by write(string)', 'allocation/write-string#bytes'),
  row(
    '',
    'bytes allocated by encode, less by JSON.stringify',
    'allocation/encode#bytes',
    'allocation/stringify#bytes',
    undefined,
    undefined,
    'difference',
  ),

  ...[1432, 8932].flatMap((bytes) => {
    const [own, byHand] = [`udp-lines/spillway-${bytes}`, `udp-lines/by-hand-${bytes}`]
    return [
      row('P8', `ready lines sent / by hand, ${bytes}`, `${own}#rate`, `${byHand}#rate`, '>= 0.9'),
      row(
        'P8',
        `ready lines sent / C send †, ${bytes}`,
        `${own}#rate`,
        peer('C, send of one event a datagram', 'rate'),
        undefined,
        '>= 4',
      ),
      row('', `ready lines received / by hand, ${bytes}`, `${own}#receivedRate`, `${byHand}#receivedRate`),
    ]
  }),

  row(
    'P9',
    'events delivered, thousand a second / Go †',
    'udp-events/spillway#rate',
    peer('Go sender with protojson', 'thousands'),
    '>= 5',
    '>= 10',
  ),
  ...Object.entries(rivals).map(([variant, name]) =>
    row(
      FOREMOST.has(variant) && 'P9',
      `events delivered / ${name}`,
      'udp-events/spillway#rate',
      `udp-events/${variant}#rate`,
    ),
  ),
  row('', 'pino-socket as it comes: lost, flat out', 'udp-events/pino-socket#lost'),
  row('P9', 'lost at 200,000 a second', 'udp-events/paced-spillway#lost', undefined, '<= 0'),
  row('P9', 'offered then, thousand a second', 'udp-events/paced-spillway#offeredRate', undefined, '>= 190'),
  ...Object.entries(rivals).map(([variant, name]) =>
    row('', `offered at 200,000 a second: ${name}`, `udp-events/paced-${variant}#offeredRate`),
  ),

  row('P10', 'metadata sent again / dgram send', 'metadata/resend#ns', 'metadata/dgram#ns', '<= 1.2'),
  row(
    'P10',
    'bytes allocated for it, less by dgram send',
    'metadata/resend#bytes',
    'metadata/dgram#bytes',
    '<= 1',
    undefined,
    'difference',
  ),
  row('P10', 'times it was marshalled anew', 'metadata/resend#marshalled', undefined, '<= 0'),

  row('P11', 'idle: timers', 'idle/exporter#timers', undefined, '<= 0'),
  row(
    'P11',
    'idle: % of a core, less an empty process',
    'idle/exporter#core',
    'idle/empty#core',
    '<= 0.1',
    undefined,
    'difference',
  ),
  row('P11', 'idle: MiB over the rings', 'idle/exporter#rssMiB', undefined, '<= 4'),
  row(
    '',
    'idle: MiB, less a bare worker',
    'idle/exporter#rssMiB',
    'idle/worker#rssMiB',
    undefined,
    undefined,
    'difference',
  ),

  ...[
    ['in a worker', 'worker'],
    ['on the main thread', 'main'],
  ].flatMap(([where, variant]) => {
    const of = `sockets-caller/${variant}`
    const [dgram, connected] = ['sockets-caller/dgram', 'sockets-caller/dgram-connected']
    return [
      row('P12', `sendTo ${where} / dgram send, all`, `${of}#ns`, `${dgram}#inAll`, '<= 0.1'),
      row('P12', `sendTo ${where} / dgram send connected, all`, `${of}#ns`, `${connected}#inAll`),
      row('P12', `send ${where}, both connected, all`, `${of}-connected#ns`, `${connected}#inAll`),
      row('', `sendTo ${where}, all / dgram send, all`, `${of}#inAll`, `${dgram}#inAll`),
      row('', `sendTo ${where} / dgram send, the calls alone`, `${of}#ns`, `${dgram}#ns`),
      row('', `send ${where}, both connected, the calls alone`, `${of}-connected#ns`, `${connected}#ns`),
      row('', `sendTo ${where}, ns, median of the bursts`, `${of}#quiet`),
    ]
  }),
  ...['receive', 'send'].map((way) =>
    row(
      'P13',
      `TCP ${way}, MiB/s / node:net`,
      `sockets-stream/${way}#rate`,
      `sockets-stream/net-${way}#rate`,
      '>= 0.8',
    ),
  ),
  ...['p50', 'mean'].flatMap((figure) => [
    row(
      'P13',
      `TCP echo, blocking, ${figure} us / node:net`,
      `sockets-echo/tcp#${figure}`,
      `sockets-echo/net#${figure}`,
      '<= 2',
    ),
    row(
      'P13',
      `UDP echo, blocking, ${figure} us / dgram`,
      `sockets-echo/udp#${figure}`,
      `sockets-echo/dgram#${figure}`,
    ),
  ]),
  ...['synckit', 'sync-message'].map((name) =>
    row(
      'P13',
      `TCP echoes a second / ${name}`,
      'sockets-echo/tcp#perSecond',
      `sockets-echo/${name}#perSecond`,
      '>= 20',
    ),
  ),
  ...['send', 'receive'].map((way) =>
    row(
      'P13',
      `UDP ${way}, thousand a second / dgram`,
      `sockets-datagrams/${way}#rate`,
      `sockets-datagrams/${way}-dgram#rate`,
    ),
  ),
  row(
    'R3',
    'wake-ups of the server a thousand, bursts of 100',
    'sockets-datagrams/send-bursts#ringsPerThousand',
    undefined,
    '<= 20',
  ),
  row(
    'R3',
    'wake-ups of the server a thousand, flat out',
    'sockets-datagrams/send#ringsPerThousand',
    undefined,
    '<= 10',
  ),
  row('', 'wake-ups of the server a thousand TCP echoes', 'sockets-echo/tcp#ringsPerThousand'),
  row(
    'R3',
    'wake-ups of a sender whose ring is full a thousand',
    'sockets-datagrams/send#senderRingsPerThousand',
    undefined,
    '<= 100',
  ),
  row(
    'R3',
    'wake-ups of a flooded receiver a thousand',
    'sockets-datagrams/receive#ringsPerThousand',
    undefined,
    '<= 100',
  ),
  row(
    'P11',
    '1,000 idle sockets: % of a core, less an empty process',
    'sockets-many/idle#core',
    'idle/empty#core',
    '<= 0.1',
    undefined,
    'difference',
  ),
  row('', '1,000 idle sockets: KiB each', 'sockets-many/idle#kibEach'),
  ...['udp', 'tcp'].flatMap((kind) => {
    const [of, to] = [`sockets-many/${kind}-churn`, `sockets-many/${kind === 'udp' ? 'dgram' : 'net'}-churn`]
    return [
      row('S5', `${kind}: granules left by 10,000 sockets`, `${of}#granules`, undefined, '<= 0'),
      row('S5', `${kind}: descriptors left by them`, `${of}#files`, undefined, '<= 0'),
      row(
        '',
        `${kind}: MiB more, less by Node's own`,
        `${of}#rssMiB`,
        `${to}#rssMiB`,
        undefined,
        undefined,
        'difference',
      ),
      row('', `${kind}: opened and closed a second / Node's own`, `${of}#rate`, `${to}#rate`),
    ]
  }),

  row(
    'P14',
    'ns a packet in both machines, with its ack: packets',
    'gudp-machine/packets#ns',
    undefined,
    '<= 1000',
  ),
  row('', 'the same, stretches of a reliable channel', 'gudp-machine/stream#ns'),
  row(
    'P14',
    'packets, thousand a second / dgram',
    'gudp-packets/packets#rate',
    'gudp-packets/dgram#rate',
    '>= 0.5',
  ),
  row('', 'packets sealed / dgram', 'gudp-packets/packets-sealed#rate', 'gudp-packets/dgram#rate'),
  row(
    '',
    'reliable messages, thousand a second / dgram',
    'gudp-packets/messages#rate',
    'gudp-packets/dgram#rate',
  ),
  row('', 'packets lost on the way, share', 'gudp-packets/packets#lost'),
  row('P14', 'goodput, 5 % loss, 50 ms, share of the link', 'gudp-goodput/loss-5#share', undefined, '>= 0.8'),
  row('', 'goodput, no loss', 'gudp-goodput/loss-0#share'),
  row('', 'goodput, 20 % loss', 'gudp-goodput/loss-20#share'),
  row(
    'P14',
    '10,000 idle connections: % of a core, less an empty process',
    'gudp-many/idle#core',
    'idle/empty#core',
    '<= 5',
    undefined,
    'difference',
  ),
  row(
    'P14',
    '10,000 idle connections: KiB each beside their buffers',
    'gudp-many/idle#kibEach',
    undefined,
    '<= 4',
  ),
  row(
    'G9',
    'events that arrive, thousand a second / over UDP',
    'gudp-exporter/gudp#arrived',
    'gudp-exporter/udp#arrived',
    '>= 0.5',
  ),
  row('', 'the same, sealed', 'gudp-exporter/gudp-sealed#arrived', 'gudp-exporter/udp#arrived'),
  row(
    '',
    'events flushed, thousand a second / over UDP',
    'gudp-exporter/gudp#rate',
    'gudp-exporter/udp#rate',
  ),
  row('G9', 'lost of them, flat out', 'gudp-exporter/gudp#lost', undefined, '<= 0'),
  row('', 'lost over UDP, flat out', 'gudp-exporter/udp#lost'),
  row(
    'P15',
    'UDP to JetStream, thousand lines a second stored',
    'nats-stored/spillway#rate',
    undefined,
    '>= 200',
  ),
  row(
    '',
    'the same / the NATS client alone',
    'nats-stored/spillway#rate',
    'nats-stored/client#rate',
    undefined,
    '>= 1',
  ),
  row('', 'lost on the way, share', 'nats-stored/spillway#lost'),
  ...loggers.flatMap(([head, variant, figures]) =>
    Object.entries(figures).map(([column, figure]) => cell(head, column, variant, figure)),
  ),
  row('P16', 'Wasm, KiB', 'size/bundle#wasmKiB', undefined, '<= 24'),
  row('P16', 'core bundle, gzip, KiB', 'size/bundle#gzipKiB', undefined, '<= 30'),
  row('', 'core bundle, brotli, KiB', 'size/bundle#brotliKiB'),
  row('P16', 'dependencies', 'size/bundle#dependencies', undefined, '<= 0'),
  ...SHAPES.map(([bytes, capacity]) => {
    const shape = shapes(bytes, capacity)
    return row('', `shared bytes a record, ${shape}`, `size/memory-${shape}#sharedPerRecord`)
  }),
]

function row(target, what, of, to, want, stretch, as = to ? 'ratio' : 'value') {
  const parsed = parse(of)
  return {
    group: groupOf(parsed.name),
    target: target || '',
    what,
    of: parsed,
    to: to && parse(to),
    want: want || undefined,
    stretch,
    as,
  }
}

/** `event-caller` calls our exporter `encode`, and its figures stand in the exporter's group, too. */
function cell(head, column, variant, caseAndFigure) {
  const [name, figure] = caseAndFigure.split('#')
  const item = `${name}/${name === 'event-caller' && variant === 'spillway' ? 'encode' : variant}`
  return {
    ...row('', `${head}: ${column}`, `${item}#${figure}`),
    group: 'loggers',
    cell: { head, column },
  }
}

function groupOf(name) {
  if (name.startsWith('sockets-')) return 'sockets'
  if (name.startsWith('gudp-')) return 'gudp'
  if (name.startsWith('nats-')) return 'nats'
  if (name.startsWith('logger-')) return 'loggers'
  return onTheWire.has(name) ? 'exporter' : 'core'
}

function peer(name, figure) {
  return { constant: elsewhere[name][figure], name }
}

function parse(ref) {
  if (typeof ref !== 'string') return ref
  const [item, figure] = ref.split('#')
  const [name, variant] = item.split('/')
  return { name, variant, item, figure }
}

export function meets(value, bound) {
  const [sign, limit] = bound.split(' ')
  return sign === '<=' ? value <= Number(limit) : value >= Number(limit)
}

/** The variants that the rows need, each once, in the order in which they stand. */
export function itemsOf(chosen) {
  const items = new Map()
  for (const { of, to } of chosen) {
    for (const ref of [to, of]) if (ref?.item) items.set(ref.item, { name: ref.name, variant: ref.variant })
  }
  return items
}
