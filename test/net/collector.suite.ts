// The collector on real sockets and its real I/O thread: runs unchanged in Node (vitest), newest Node, Deno and Bun.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Collector,
  type CollectorAlert,
  type CollectorOptions,
  type CollectorStats,
  fileSink,
  IoThread,
  type Lines,
  type Sink,
} from 'spillway/collector'
import { deepEqual, equal, ok, rejectsCode, type Suite, suite, until, within } from '../support/harness.ts'
import { FlowSender, UdpSender } from '../support/udp-sender.ts'

/** A sink that keeps what it gets, and whoever waits for so many lines. */
class Box {
  readonly lines: string[] = []
  readonly batches: Lines[] = []
  #waiting: (() => void)[] = []

  readonly sink = (lines: Lines): void => {
    this.batches.push(lines)
    this.lines.push(...lines)
    for (const check of this.#waiting) check()
  }

  has(count: number): Promise<void> {
    const there = new Promise<void>((resolve) => {
      const check = () => {
        if (this.lines.length >= count) resolve()
      }
      this.#waiting.push(check)
      check()
    })
    return within(there, `${count} lines at the sink`)
  }
}

/** A promise that is resolved from outside. */
function gate(): { open: () => void; opened: Promise<void> } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

/** A collector and senders to it, put away in the end. */
class Rig {
  readonly alerts: CollectorAlert[] = []
  readonly collector: Collector
  readonly #senders: UdpSender[] = []
  #onAlert: () => void = () => {}

  private constructor(collector: Collector, alerts: CollectorAlert[]) {
    this.collector = collector
    this.alerts = alerts
  }

  static async run(options: CollectorOptions, use: (rig: Rig) => Promise<void>): Promise<void> {
    const alerts: CollectorAlert[] = []
    let told = () => {}
    const onAlert = (alert: CollectorAlert) => {
      alerts.push(alert)
      told()
    }
    const rig = new Rig(await Collector.open({ onAlert, closeTimeoutMs: 20_000, ...options }), alerts)
    told = () => rig.#onAlert()
    try {
      await use(rig)
    } finally {
      await rig.collector.close({ timeoutMs: 0 })
      for (const sender of rig.#senders) await sender.close()
    }
  }

  async sender(): Promise<UdpSender> {
    const sender = await UdpSender.open(this.collector.address())
    this.#senders.push(sender)
    return sender
  }

  async flow(source: string): Promise<FlowSender> {
    return new FlowSender(await this.sender(), source)
  }

  /** Until so many datagrams have been looked at: senders do not run ahead of a kernel's buffer that may be small. */
  async tookIn(datagrams: number): Promise<void> {
    const isIn = () => {
      const { totals, madeToLose } = this.collector.stats()
      return totals.datagrams + madeToLose >= datagrams
    }
    await until(isIn, `${datagrams} datagrams`)
  }

  alert(kind: CollectorAlert['kind']): Promise<CollectorAlert> {
    const there = new Promise<CollectorAlert>((resolve) => {
      this.#onAlert = () => {
        const found = this.alerts.find((alert) => alert.kind === kind)
        if (found) resolve(found)
      }
      this.#onAlert()
    })
    return within(there, `an alert of kind ${kind}`)
  }
}

/** The laws that hold at every quiet moment. */
function checkLedger(stats: CollectorStats): void {
  for (const { name, offered, handed, failed, dropped, inHand, waiting } of stats.sinks) {
    equal(offered, stats.offered, `offered to ${name}`)
    equal(
      handed + failed + dropped + inHand + waiting,
      offered,
      `the sum of ${name}: ${JSON.stringify(stats.sinks)}`,
    )
  }
  for (const name of ['received', 'datagrams', 'lost', 'duplicates', 'droppedAtSource'] as const) {
    const sum = stats.sources.reduce((total, source) => total + source[name], stats.others[name])
    equal(sum, stats.totals[name], `the sum of ${name}`)
  }
}

const EXPORTER = '0123456789abcdef'
const lineOf = (sender: number, i: number) => `{"sender":${sender},"i":${i}}`

export const receivingSuite: Suite = suite('collector: receiving', (t) => {
  t.test('hands on every line of many senders, each in its order', async () => {
    const box = new Box()
    await Rig.run({ sink: box.sink }, async (rig) => {
      const senders = await Promise.all(Array.from({ length: 12 }, () => rig.sender()))
      for (let i = 0; i < 100; i += 2) {
        for (const [n, sender] of senders.entries())
          await sender.send(`${lineOf(n, i)}\n${lineOf(n, i + 1)}\n`)
        await box.has(12 * (i + 2))
      }
      await box.has(1200)
      for (const n of senders.keys()) {
        const own = box.lines.filter((line) => line.startsWith(`{"sender":${n},`))
        deepEqual(
          own,
          Array.from({ length: 100 }, (_, i) => lineOf(n, i)),
          `lines of sender ${n}`,
        )
      }
      const stats = rig.collector.stats()
      checkLedger(stats)
      equal(stats.totals.received, 1200)
      equal(stats.totals.datagrams, 600)
      const ports = stats.sources.map(({ flows }) => flows[0]!.port).sort()
      deepEqual(ports, senders.map(({ port }) => port).sort(), 'the ports of the sources')
      ok(stats.sources.every(({ received, id }) => received === 100 && id === undefined))
    })
  })

  t.test('listens on IPv6, and tells where lines came from', async () => {
    const box = new Box()
    await Rig.run({ sink: box.sink, host: '::1', allow: ['::1'] }, async (rig) => {
      const sender = await rig.sender()
      await sender.send('{"a":1}\n')
      await box.has(1)
      const [part] = [...box.batches[0]!.parts()]
      deepEqual(part!.source, { address: '::1', port: sender.port })
      equal(part!.count, 1)
    })
  })

  t.test('listens to both families on `::`, and has IPv4 addresses as they are', async () => {
    const box = new Box()
    await Rig.run({ sink: box.sink, host: '::', allow: ['127.0.0.1'] }, async (rig) => {
      const { port } = rig.collector.address()
      const [four, six] = await Promise.all(
        ['127.0.0.1', '::1'].map((address) => UdpSender.open({ address, port })),
      )
      await six!.send('{"six":1}\n')
      await four!.send('{"four":1}\n')
      await box.has(1)
      deepEqual(box.lines, ['{"four":1}'])
      equal(rig.collector.stats().sources[0]!.flows[0]!.address, '127.0.0.1')
      await Promise.all([four!.close(), six!.close()])
    })
  })

  t.test('survives rubbish, and counts it', async () => {
    const box = new Box()
    await Rig.run({ sink: box.sink }, async (rig) => {
      const sender = await rig.sender()
      const noise = Uint8Array.from({ length: 60_000 }, (_, i) => (i * 7919) & 0xff || 1)
      await sender.send('{"first":1}\n')
      await sender.send('')
      await sender.send(noise)
      await sender.send(Uint8Array.from([0, 0x53, 0x50, 0x4c, 1, 2, 3]))
      await sender.send('{"event":"spillway.stats",')
      await sender.send('{"half":')
      await sender.send(Uint8Array.from([0x7b, 0xff, 0x7d, 0x0a]))
      await sender.send('{"last":1}')
      await sender.send('{"very last":1}\n')
      while (!box.lines.includes('{"very last":1}')) await box.has(box.lines.length + 1)
      ok(box.lines.includes('{"last":1}'), 'a line that lacks its newline, and is whole')
      const { totals } = rig.collector.stats()
      equal(totals.datagrams, 9)
      equal(totals.empty, 1)
      equal(totals.badMetadata, 1)
      equal(totals.badHeartbeats, 1)
      ok(totals.invalidUtf8 > 1 && totals.truncated >= 2, 'bad lines are counted')
      const alert = await rig.alert('invalid-utf8')
      equal(alert.source, `127.0.0.1:${sender.port}`)
      equal(alert.datagram, 3)
    })
  })

  t.test('refuses whom `allow` does not have', async () => {
    const box = new Box()
    await Rig.run({ sink: box.sink, allow: ['10.0.0.0/8'] }, async (rig) => {
      const sender = await rig.sender()
      await sender.send('{"a":1}\n')
      const alert = await rig.alert('refused')
      equal(alert.source, `127.0.0.1:${sender.port}`)
      const stats = rig.collector.stats()
      equal(stats.refused, 1)
      equal(stats.totals.datagrams, 0)
      equal(box.lines.length, 0)
    })
  })

  t.test('keeps to its bound however many sources come', async () => {
    const box = new Box()
    await Rig.run({ sink: box.sink, maxSources: 8 }, async (rig) => {
      for (let n = 0; n < 200; n++) {
        const sender = await UdpSender.open(rig.collector.address())
        await sender.send(`${lineOf(n, 0)}\n`)
        await sender.close()
      }
      await box.has(200)
      const stats = rig.collector.stats()
      checkLedger(stats)
      equal(stats.totals.received, 200)
      equal(stats.flows, 8)
      ok(stats.flowsForgotten > 100, 'the others were forgotten')
    })
  })

  t.test('has what had come before close, and hands it on', async () => {
    const box = new Box()
    await Rig.run({ sink: box.sink }, async (rig) => {
      const sender = await rig.sender()
      for (let i = 0; i < 200; i++) await sender.send(`${lineOf(0, i)}\n`)
      await rig.collector.close()
      equal(box.lines.length, 200)
      equal(rig.collector.stats().sinks[0]!.handed, 200)
      checkLedger(rig.collector.stats())
    })
  })
})

export const ledgerSuite: Suite = suite('collector: the ledger', (t) => {
  t.test('tells by heartbeats what was lost, and what was never sent', async () => {
    const box = new Box()
    await Rig.run({ sink: box.sink }, async (rig) => {
      const flow = await rig.flow(EXPORTER)
      await flow.beat()
      for (let i = 0; i < 100; i++) {
        if (i % 10 === 3) flow.make([lineOf(0, i)])
        else await flow.send([lineOf(0, i)])
      }
      await flow.beat({ last: true, dropped: { overwritten: 7, oversize: 1 } })
      await rig.alert('lost')
      await box.has(90)
      const stats = rig.collector.stats()
      checkLedger(stats)
      const [source] = stats.sources
      equal(source!.id, EXPORTER)
      equal(source!.received, 90)
      equal(source!.lost, 10)
      equal(source!.lostDatagrams, 10)
      equal(source!.droppedAtSource, 8)
      deepEqual(source!.droppedBy, { overwritten: 7, oversize: 1 })
      equal(source!.told!.sent, 100)
      ok(source!.flows[0]!.isOver)
      equal((await rig.alert('dropped-at-source')).count, 8)
    })
  })

  t.test('sees losses, copies and disorder of numbered datagrams, and hands on no copy', async () => {
    const box = new Box()
    await Rig.run({ sink: box.sink }, async (rig) => {
      const sender = await rig.sender()
      const flow = new FlowSender(sender, EXPORTER)
      await flow.beat()
      const datagrams = Array.from({ length: 10 }, (_, i) => flow.make([lineOf(0, i), lineOf(1, i)], true))
      for (const d of [0, 1, 1, 3, 2, 6, 7, 7, 9, 0]) await sender.send(datagrams[d]!)
      await flow.beat({ last: true })
      await box.has(14)
      await rig.alert('lost')
      const { totals } = rig.collector.stats()
      equal(totals.received, 14)
      equal(totals.gaps, 3)
      equal(totals.duplicates, 3)
      equal(totals.reordered, 1)
      equal(totals.lost, 6)
      equal(box.lines.length, 14)
      equal(new Set(box.lines).size, 14)
    })
  })

  t.test('finds out exactly what a receiver lost that was made to lose', async () => {
    const box = new Box()
    await Rig.run({ sink: box.sink, loseForTest: { percent: 20, seed: 3 } }, async (rig) => {
      const flow = await rig.flow(EXPORTER)
      await flow.beat()
      for (let i = 0; i < 1000; i++) {
        await flow.send([lineOf(0, i)])
        if (i % 100 === 0) await rig.tookIn(i)
      }
      await flow.beat({ last: true })
      await rig.collector.close()
      const stats = rig.collector.stats()
      checkLedger(stats)
      equal(stats.totals.received, box.lines.length)
      equal(stats.totals.received + stats.totals.lost, 1000)
      ok(stats.totals.lost > 150 && stats.totals.lost < 250, `lost ${stats.totals.lost}`)
      equal(stats.madeToLose + stats.totals.datagrams, 1004)
    })
  })

  t.test('keeps our own lines for the sinks if asked to', async () => {
    const box = new Box()
    await Rig.run({ sink: box.sink, heartbeats: 'keep' }, async (rig) => {
      const flow = await rig.flow(EXPORTER)
      await flow.beat()
      await flow.send(['{"a":1}'], true)
      await box.has(3)
      deepEqual(
        box.lines.map((line) => line.slice(0, 12)),
        ['{"event":"sp', '{"spillway":', '{"a":1}'],
      )
      const stats = rig.collector.stats()
      checkLedger(stats)
      equal(stats.offered, 3)
      equal(stats.totals.received, 1)
    })
  })
})

export const sinkSuite: Suite = suite('collector: sinks', (t) => {
  t.test('a slow one slows neither another nor the receiving, and loses by count', async () => {
    const quick = new Box()
    const slow = new Box()
    const mayGo = gate()
    const sinks: Sink[] = [
      { name: 'quick', write: quick.sink },
      {
        name: 'slow',
        write: async (lines) => {
          slow.sink(lines)
          await mayGo.opened
        },
      },
    ]
    await Rig.run({ sinks, capacity: 50, queueBytes: 2 ** 17 }, async (rig) => {
      const sender = await rig.sender()
      for (let i = 0; i < 300; i++) {
        await sender.send(`${lineOf(0, i)}\n`)
        await quick.has(i + 1)
      }
      const [first, second] = rig.collector.stats().sinks
      equal(first!.handed, 300)
      equal(second!.handed, 0)
      checkLedger(rig.collector.stats())
      mayGo.open()
      await rig.collector.close()
      const stats = rig.collector.stats()
      checkLedger(stats)
      equal(stats.sinks[1]!.dropped + slow.lines.length, 300)
      equal(stats.sinks[1]!.dropped + stats.sinks[1]!.handed, 300)
      ok(stats.sinks[1]!.dropped >= 200, `dropped ${stats.sinks[1]!.dropped}`)
      equal(slow.lines.at(-1), lineOf(0, 299), 'the newest line is there')
      equal((await rig.alert('sink-dropped')).sink, 'slow')
    })
  })

  t.test('one that throws goes on with the next batch', async () => {
    const box = new Box()
    let batch = 0
    const sink = async (lines: Lines) => {
      if (batch++ === 0) throw new Error('not today')
      box.sink(lines)
    }
    await Rig.run({ sink }, async (rig) => {
      const sender = await rig.sender()
      await sender.send('{"a":1}\n')
      const alert = await rig.alert('sink-failed')
      equal(alert.count, 1)
      equal(alert.sink, 'sink')
      ok(alert.message.includes('not today'))
      await sender.send('{"b":1}\n')
      await box.has(1)
      const stats = rig.collector.stats()
      equal(stats.sinks[0]!.failed, 1)
      deepEqual(box.lines, ['{"b":1}'])
    })
  })

  t.test('one that never is done holds up nothing but itself, and not the close', async () => {
    const box = new Box()
    const isIn = gate()
    const stuck = () => {
      isIn.open()
      return new Promise<void>(() => {})
    }
    await Rig.run({ sinks: [stuck, box.sink] }, async (rig) => {
      const sender = await rig.sender()
      await sender.send('{"a":1}\n')
      await isIn.opened
      for (let i = 0; i < 20; i++) await sender.send('{"b":1}\n{"c":1}\n')
      await box.has(41)
      await within(rig.collector.close({ timeoutMs: 50 }), 'close')
      const stats = rig.collector.stats()
      checkLedger(stats)
      const [first] = stats.sinks
      equal(first!.name, 'stuck')
      equal(first!.failed, 1)
      equal(first!.dropped, 40)
    })
  })

  t.test('are opened, flushed and closed once, in that order', async () => {
    const calls: string[] = []
    const note = (name: string) => () => {
      calls.push(name)
    }
    const sink = { open: note('open'), write: note('write'), flush: note('flush'), close: note('close') }
    await Rig.run({ sink }, async (rig) => {
      await (await rig.sender()).send('{"a":1}\n')
      await rig.collector.close()
      await rig.collector.close()
      deepEqual(calls, ['open', 'write', 'flush', 'close'])
    })
  })

  t.test('write files that rotate, with every line once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-collector-'))
    try {
      const sink = fileSink(join(folder, 'log'), { maxBytes: 20_000, maxFiles: 100 })
      await Rig.run({ sink }, async (rig) => {
        const sender = await rig.sender()
        for (let i = 0; i < 3000; i += 3) {
          await sender.send([i, i + 1, i + 2].map((n) => `${lineOf(0, n)}${' '.repeat(50)}\n`).join(''))
          if (i % 150 === 0) await rig.tookIn(i / 3)
        }
        await rig.collector.close()
        checkLedger(rig.collector.stats())
        equal(rig.collector.stats().sinks[0]!.handed, 3000)
      })
      const files = readdirSync(folder)
      ok(files.length > 5, `${files.length} files`)
      const lines = files.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
      equal(lines.length, 3000)
      equal(new Set(lines.map((line) => JSON.parse(line).i)).size, 3000)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

export const openingSuite: Suite = suite('collector: opening and ending', (t) => {
  const sink = () => {}

  t.test('says what is wrong, and what to do', async () => {
    const wrong: [options: unknown, code: string][] = [
      [undefined, 'ERR_INVALID_ARGUMENT'],
      [{}, 'ERR_INVALID_ARGUMENT'],
      [{ sinks: [] }, 'ERR_INVALID_ARGUMENT'],
      [{ sink: 'stdout' }, 'ERR_INVALID_ARGUMENT'],
      [{ sink, port: 65536 }, 'ERR_INVALID_ARGUMENT'],
      [{ sink, host: '' }, 'ERR_INVALID_ARGUMENT'],
      [{ sink, allow: ['everybody'] }, 'ERR_INVALID_ARGUMENT'],
      [{ sink, allow: '10.0.0.0/8' }, 'ERR_INVALID_ARGUMENT'],
      [{ sink, policy: 'drop' }, 'ERR_INVALID_ARGUMENT'],
      [{ sink, heartbeats: true }, 'ERR_INVALID_ARGUMENT'],
      [{ sink, maxSources: 0 }, 'ERR_INVALID_ARGUMENT'],
      [{ sink, loseForTest: { percent: 101 } }, 'ERR_INVALID_ARGUMENT'],
      [{ sink, logger: {} }, 'ERR_INVALID_ARGUMENT'],
      [{ sink, onAlert: 'tell me' }, 'ERR_INVALID_ARGUMENT'],
      [{ sink, host: 'no-such-host.invalid' }, 'ERR_UNRESOLVED'],
      [{ sink, host: '192.0.2.1' }, 'EADDRNOTAVAIL'],
      [{ sink: fileSink('/') }, 'ERR_SINK'],
    ]
    for (const [options, code] of wrong)
      await rejectsCode(() => Collector.open(options as CollectorOptions), code, JSON.stringify(options))
  })

  t.test('says that the port is taken, and closes the sinks that it had opened', async () => {
    await Rig.run({ sink }, async (rig) => {
      const { port } = rig.collector.address()
      const calls: string[] = []
      const second = {
        open: () => void calls.push('open'),
        write: sink,
        close: () => void calls.push('close'),
      }
      await rejectsCode(() => Collector.open({ sink: second, port }), 'EADDRINUSE')
      deepEqual(calls, ['open', 'close'])
    })
  })

  t.test('warns when everybody can reach it', async () => {
    await Rig.run({ sink, host: '0.0.0.0' }, async (rig) => {
      const alert = rig.alerts.find(({ message }) => message.includes('allow'))
      equal(alert?.kind, 'warning')
    })
    await Rig.run({ sink, host: '0.0.0.0', allow: ['127.0.0.0/8'] }, async (rig) => {
      ok(!rig.alerts.some(({ message }) => message.includes('allow')))
    })
  })

  t.test('tells a logger, and survives an onAlert that throws', async () => {
    const warned: string[] = []
    const nothing = () => {}
    const logger = {
      debug: nothing,
      info: nothing,
      warn: (text: unknown) => warned.push(String(text)),
      error: nothing,
    }
    const onAlert = () => {
      throw new Error('not interested')
    }
    const box = new Box()
    await Rig.run({ sink: box.sink, logger, onAlert }, async (rig) => {
      const sender = await rig.sender()
      await sender.send('{"half":')
      await sender.send('{"a":1}\n')
      await box.has(1)
    })
    ok(
      warned.some((text) => text.includes('cut off: datagram 1')),
      `warned: ${warned}`,
    )
  })

  t.test('can be done again at the same port, at once', async () => {
    let port = 0
    for (let time = 0; time < 3; time++) {
      const box = new Box()
      await Rig.run({ sink: box.sink, port }, async (rig) => {
        port = rig.collector.address().port
        await (await rig.sender()).send('{"a":1}\n')
        await box.has(1)
      })
    }
  })

  t.test('has several sockets at one port, where the runtime can', async () => {
    const box = new Box()
    await Rig.run({ sink: box.sink, sockets: 4 }, async (rig) => {
      for (let n = 0; n < 40; n++) await (await rig.sender()).send(`${lineOf(n, 0)}\n`)
      await box.has(40)
      equal(new Set(box.lines).size, 40)
    })
  })

  t.test('outlives its I/O thread: what had come is handed on, and it is told', async () => {
    const box = new Box()
    const ioThread = IoThread.start()
    await Rig.run({ sink: box.sink, ioThread }, async (rig) => {
      await (await rig.sender()).send('{"a":1}\n')
      await box.has(1)
      await ioThread.stop()
      await rig.alert('io-thread')
      await within(rig.collector.close(), 'close')
      checkLedger(rig.collector.stats())
      equal(rig.collector.stats().totals.received, 1)
    })
  })

  t.test('ends with `await using`, too', async () => {
    let closed = 0
    {
      await using collector = await Collector.open({ sink: { write: sink, close: () => void closed++ } })
      ok(collector.address().port > 0)
    }
    equal(closed, 1)
  })
})

export const collectorSuites: readonly Suite[] = [receivingSuite, ledgerSuite, sinkSuite, openingSuite]
