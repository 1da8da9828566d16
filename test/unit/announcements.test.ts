import { describe, expect, it, onTestFinished } from 'vitest'
import { SharedBytes } from '../../src/core/shared-bytes.ts'
import type { ServiceMetadata } from '../../src/net/exporter-service.ts'
import { type Heartbeat, readHeartbeat } from '../../src/net/wire-lines.ts'
import { codeOf } from '../support/code-of.ts'
import { ExporterRig, type RigOptions, SOURCE } from '../support/exporter-rig.ts'
import { eventsOf, type ScriptedSocket } from '../support/scripted-socket.ts'

async function open(options: RigOptions = {}): Promise<ExporterRig> {
  const rig = await ExporterRig.open(options)
  onTestFinished(() => rig.end())
  return rig
}

const isHeartbeat = (datagram: Buffer) => String(datagram).startsWith('{"event":"spillway.stats",')
const isMetadata = (datagram: Buffer) => String(datagram).startsWith('{"event":"agent_init",')
const heartbeatsOf = (socket: ScriptedSocket): Heartbeat[] =>
  socket.taken.filter(isHeartbeat).map((datagram) => readHeartbeat(datagram)!)
const kindOf = (datagram: Buffer) =>
  isHeartbeat(datagram) ? 'heartbeat' : isMetadata(datagram) ? 'metadata' : 'events'
const kindsOf = (socket: ScriptedSocket) => socket.taken.map(kindOf)

/** What docs/wire.md promises of each heartbeat: it tells what was sent on its flow before it. */
function expectTrueCounts(socket: ScriptedSocket): void {
  let [lines, datagrams, bytes] = [0, 0, 0]
  for (const datagram of socket.taken) {
    if (isHeartbeat(datagram)) expect(readHeartbeat(datagram)).toMatchObject({ lines, datagrams, bytes })
    else {
      lines += datagram.filter((byte) => byte === 0x0a).length
      datagrams++
      bytes += datagram.length
    }
  }
}

describe('heartbeats', () => {
  it('begin a flow with number 0, before its first event', async () => {
    const rig = await open({ heartbeatMs: 10_000 })
    await rig.pass(1000, 100)
    expect(rig.sockets).toHaveLength(0)
    rig.write('one')
    await rig.quiet()
    expect(kindsOf(rig.socket)).toEqual(['heartbeat', 'events'])
    expect(heartbeatsOf(rig.socket)).toEqual([
      {
        source: SOURCE,
        flow: 1,
        seq: 0,
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        started: '2026-11-20T10:00:00.000Z',
        last: false,
        lines: 0,
        datagrams: 0,
        bytes: 0,
        offered: 1,
        sent: 0,
        inRing: 1, // out of the ring, and not with the kernel: on this side of the wire
        dropped: 0,
        droppedBy: {},
      },
    ])
  })

  it('come every heartbeatMs while something is sent, and tell what was sent before', async () => {
    const rig = await open({ heartbeatMs: 1000, oneEventPerDatagram: true })
    for (let i = 0; i < 100; i++) {
      rig.write(`${i}`)
      await rig.pass(95)
    }
    expect(heartbeatsOf(rig.socket).map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expectTrueCounts(rig.socket)
  })

  it('come no more when nothing is sent: one for the last events, and then there is no timer', async () => {
    const rig = await open({ heartbeatMs: 1000 })
    rig.write('one')
    await rig.pass(1000, 10)
    expect(kindsOf(rig.socket)).toEqual(['heartbeat', 'events', 'heartbeat'])
    expect(rig.clock.timers).toBe(0)
    await rig.pass(60_000, 1000)
    expect(rig.socket.taken).toHaveLength(3)
    expectTrueCounts(rig.socket)
  })

  it('say goodbye three times, with one number', async () => {
    const rig = await open({ heartbeatMs: 1000 })
    rig.write('one')
    await rig.quiet()
    await rig.close()
    expect(heartbeatsOf(rig.socket).map(({ seq, last, lines }) => ({ seq, last, lines }))).toEqual([
      { seq: 0, last: false, lines: 0 },
      ...Array.from({ length: 3 }, () => ({ seq: 1, last: true, lines: 1 })),
    ])
    expect(rig.stats().heartbeats).toBe(4)
  })

  it('are not sent over a flow that nothing went over', async () => {
    const rig = await open({ heartbeatMs: 1000, script: () => 'never' })
    rig.write('one')
    await rig.quiet()
    rig.write('two') // the first is still in the queue: another socket is opened, and not used
    await rig.quiet()
    expect(rig.sockets).toHaveLength(2)
    await rig.release()
    await rig.close()
    expect(rig.sockets[1]!.given).toEqual([])
  })

  it("are each flow's own", async () => {
    let answer: string | undefined = 'never'
    const rig = await open({
      heartbeatMs: 1000,
      oneEventPerDatagram: true,
      script: (datagram) => (isHeartbeat(datagram) ? undefined : answer),
    })
    for (const line of ['one', 'two', 'three']) {
      rig.write(line)
      await rig.quiet()
    }
    answer = undefined
    await rig.release()
    rig.write('four')
    await rig.quiet()
    await rig.close()
    const all = rig.sockets.flatMap(heartbeatsOf)
    expect(new Set(all.map(({ flow }) => flow))).toEqual(new Set([1, 2]))
    for (const flow of [1, 2]) {
      const own = all.filter((heartbeat) => heartbeat.flow === flow)
      expect(own.map(({ seq }) => seq)).toEqual([0, 1, 1, 1])
    }
    const last = all.filter((heartbeat) => heartbeat.last)
    expect(last.reduce((sum, { lines }) => sum + lines, 0) / 3).toBe(4)
  })

  it('wait for what is in flight, and what comes after waits for them: the counts are what was sent', async () => {
    let answer: string | undefined
    const rig = await open({
      heartbeatMs: 1000,
      poolSize: 1,
      script: (datagram) => (isHeartbeat(datagram) ? undefined : answer),
    })
    const givenKinds = () => rig.socket.given.map(({ text }) => kindOf(Buffer.from(text)))
    rig.write('sent')
    await rig.pass(500, 10)
    answer = 'never'
    rig.write('stuck')
    await rig.pass(500, 10)
    answer = undefined
    rig.write('behind')
    await rig.pass(1000, 10)
    expect(givenKinds()).toEqual(['heartbeat', 'events', 'events'])
    await rig.release()
    expect(givenKinds()).toEqual(['heartbeat', 'events', 'events', 'heartbeat', 'events'])
    expect(heartbeatsOf(rig.socket).at(-1)).toMatchObject({ seq: 1, lines: 2 })
  })

  it('tell of what was answered for late, although nothing more is sent', async () => {
    const rig = await open({
      heartbeatMs: 1000,
      script: (datagram) => (isHeartbeat(datagram) ? undefined : 'never'),
    })
    rig.write('stuck')
    await rig.pass(5000, 10)
    expect(heartbeatsOf(rig.socket)).toHaveLength(1)
    await rig.release()
    await rig.pass(1000, 10)
    expect(heartbeatsOf(rig.socket).map(({ lines }) => lines)).toEqual([0, 1])
    expect(rig.clock.timers).toBe(0)
  })

  it('are off when they are turned off', async () => {
    const rig = await open({ heartbeatMs: 0 })
    rig.write('one')
    await rig.pass(60_000, 1000)
    await rig.close()
    expect(kindsOf(rig.socket)).toEqual(['events'])
  })

  it('that are refused are not sent again as they are: the next has the number, and true counts', async () => {
    const answers = ['ECONNREFUSED']
    const rig = await open({ heartbeatMs: 1000, script: () => answers.shift() })
    rig.write('one')
    await rig.quiet()
    expect(kindsOf(rig.socket)).toEqual(['events'])
    rig.write('two')
    await rig.quiet()
    expect(heartbeatsOf(rig.socket).map(({ seq, lines }) => ({ seq, lines }))).toEqual([{ seq: 0, lines: 1 }])
    expectTrueCounts(rig.socket)
  })

  it('that are refused come with the next that are due, although nothing more is sent', async () => {
    const answers = [undefined, undefined, 'ECONNREFUSED']
    const rig = await open({ heartbeatMs: 1000, script: () => answers.shift() })
    rig.write('one')
    await rig.pass(3000, 10)
    expect(heartbeatsOf(rig.socket).map(({ seq, lines }) => ({ seq, lines }))).toEqual([
      { seq: 0, lines: 0 },
      { seq: 1, lines: 1 },
    ])
    expect(rig.clock.timers).toBe(0)
  })

  it('that are refused are counted and told of, and nothing hangs', async () => {
    const rig = await open({
      heartbeatMs: 1000,
      script: (datagram) => (isHeartbeat(datagram) ? 'ECONNREFUSED' : undefined),
    })
    rig.write('one')
    await rig.quiet()
    const isServed = rig.askFlush()
    await rig.quiet()
    expect(isServed()).toBe(true)
    expect(rig.errors()).toEqual({ ECONNREFUSED: { times: 1, events: 0 } })
    expect(rig.alerts).toContainEqual(
      expect.objectContaining({ kind: 'level', name: 'peer', state: 'raised' }),
    )
    expect(rig.ledger()).toMatchObject({ offered: 1, sent: 1 })
  })
})

describe('metadata', () => {
  const line = (text: string) => `{"event":"agent_init","text":"${text}"}\n`
  const plain = (text: string): ServiceMetadata => ({ bytes: Buffer.from(line(text)) })
  /** In shared memory, as the exporter's opener has it, who lets go of it with the second. */
  function shared(text: string): { metadata: ServiceMetadata; bytes: SharedBytes } {
    const encoded = Buffer.from(line(text))
    const bytes = SharedBytes.create(encoded.length)
    bytes.view(0, encoded.length).set(encoded)
    onTestFinished(() => bytes.leave())
    return { metadata: { handle: bytes.handle, length: encoded.length }, bytes }
  }
  const metadataOf = (rig: ExporterRig) => rig.taken().filter(isMetadata).map(String)

  it('goes first, after the heartbeat, in a datagram of its own, once', async () => {
    const rig = await open({ heartbeatMs: 1000, metadata: shared('m').metadata })
    rig.write('one')
    await rig.pass(500, 10)
    expect(kindsOf(rig.socket)).toEqual(['heartbeat', 'metadata', 'events'])
    expect(metadataOf(rig)).toEqual([line('m')])
    await rig.close()
    expectTrueCounts(rig.socket)
    expect(rig.stats().metadata.sent).toBe(1)
    expect(rig.alerts).toContainEqual(expect.objectContaining({ kind: 'metadata' }))
    expect(rig.debugged).toEqual(['Cached metadata event sent over UDP'])
  })

  it('goes at the start, also with no event to send', async () => {
    const rig = await open({ metadata: plain('m') })
    expect(metadataOf(rig)).toEqual([line('m')])
    expect(rig.clock.timers).toBe(0)
  })

  it('goes again when asked, and when it is new', async () => {
    const rig = await open({ metadata: shared('old').metadata })
    rig.post({ kind: 'send-metadata' })
    await rig.quiet()
    rig.post({ kind: 'metadata', metadata: shared('new').metadata })
    await rig.quiet()
    rig.post({ kind: 'send-metadata' })
    await rig.quiet()
    expect(metadataOf(rig)).toEqual(['old', 'old', 'new', 'new'].map(line))
  })

  it('goes every metadataIntervalMs', async () => {
    const rig = await open({ metadata: plain('m'), metadataIntervalMs: 1000 })
    await rig.pass(3500, 10)
    expect(metadataOf(rig)).toHaveLength(4)
    await rig.close()
    expect(rig.clock.timers).toBe(0)
  })

  it('is not asked for where there is none', async () => {
    const rig = await open()
    rig.post({ kind: 'send-metadata' })
    await rig.quiet()
    expect(rig.sockets).toHaveLength(0)
  })

  it('whose memory is gone already is passed over: newer one follows', async () => {
    const rig = await open({ metadata: plain('first') })
    const { metadata, bytes } = shared('given up')
    bytes.leave()
    rig.post({ kind: 'metadata', metadata })
    rig.post({ kind: 'metadata', metadata: shared('newest').metadata })
    await rig.quiet()
    expect(metadataOf(rig)).toEqual(['first', 'newest'].map(line))
  })

  it('is held in memory until the kernel has read it, also when there is newer one', async () => {
    const { metadata, bytes } = shared('in the queue')
    const rig = await open({ metadata, script: () => 'never' })
    bytes.leave()
    rig.post({ kind: 'metadata', metadata: plain('newer') })
    await rig.quiet()
    const isThere = () => codeOf(() => SharedBytes.from(bytes.handle).leave()) === undefined
    expect(isThere()).toBe(true)
    await rig.release()
    expect(isThere()).toBe(false)
  })

  it('goes before the first events over a socket that replaces another', async () => {
    let answer: string | undefined
    const rig = await open({ heartbeatMs: 1000, metadata: plain('m'), script: () => answer })
    answer = 'EPERM'
    rig.write('lost')
    await rig.quiet()
    answer = undefined
    await rig.pass(500, 10)
    expect(rig.sockets).toHaveLength(1) // it is no reason to open one
    rig.write('kept')
    await rig.pass(500, 10)
    expect(kindsOf(rig.socket).slice(0, 3)).toEqual(['heartbeat', 'metadata', 'events'])
    expect(eventsOf(rig.socket.taken)).toEqual(['kept'])
  })

  it.each(['EPERM', 'ENETUNREACH', 'EAGAIN', 'ECONNREFUSED'])(
    'that was refused goes with the next events: %s',
    async (code) => {
      let isDown = true
      const rig = await open({ metadata: plain('m'), script: () => (isDown ? code : undefined) })
      expect(metadataOf(rig)).toEqual([])
      await rig.pass(5000, 10)
      const tries = rig.given().length
      expect(tries).toBeLessThanOrEqual(2) // nothing is tried again and again for it
      isDown = false
      rig.write('one')
      await rig.pass(500, 10)
      expect(metadataOf(rig)).toEqual([line('m')])
      expect(kindsOf(rig.socket)).toEqual(['metadata', 'events'])
    },
  )

  it('that is too long is not tried again', async () => {
    const rig = await open({
      metadata: plain('m'),
      script: (datagram) => (isMetadata(datagram) ? 'EMSGSIZE' : undefined),
    })
    for (let i = 0; i < 5; i++) {
      rig.write('one')
      await rig.quiet()
    }
    expect(rig.errors()).toEqual({ EMSGSIZE: { times: 1, events: 0 } })
  })

  it('lets go of its memory at the end', async () => {
    const { metadata, bytes } = shared('m')
    const rig = await open({ metadata, script: () => 'never' })
    bytes.leave()
    rig.socket.close = () => {} // it answers for nothing, not even at its end
    await rig.close()
    expect(codeOf(() => SharedBytes.from(bytes.handle))).toBe('ERR_STALE_HANDLE')
  })
})
