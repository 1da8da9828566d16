// What is measured, against what, and how it should come out: SPEC.md §6, and beside it what is good to know.

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
}

/**
 * `of` and `to` are `case/variant#figure`. `as`: what is made of the two (`ratio`, `difference`), or of `of` alone (`value`).
 * `want`: a bound; `stretch`: a better one; rows with neither are there for comparison.
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
  return {
    target: target || '',
    what,
    of: parse(of),
    to: to && parse(to),
    want: want || undefined,
    stretch,
    as,
  }
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
