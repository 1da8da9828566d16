import { describe, expect, it, onTestFinished } from 'vitest'
import { readHeartbeat } from '../../src/net/wire-lines.ts'
import { codeOf } from '../support/code-of.ts'
import { ExporterRig, type RigOptions } from '../support/exporter-rig.ts'
import { eventsOf, type ScriptedSocket } from '../support/scripted-socket.ts'

// What the exporter does about the answers of a resolver. How it asks is in test/unit/addresses.test.ts.

async function open(options: RigOptions): Promise<ExporterRig> {
  const rig = await ExporterRig.open({
    host: 'agent',
    resolveRefreshMs: 1000,
    heartbeatMs: 10_000,
    ...options,
  })
  onTestFinished(() => rig.end())
  return rig
}

const at = (address: string) => [{ address, family: 4 as const }]
const textsOf = (socket: ScriptedSocket) => socket.taken.map(String)
const heartbeatsOf = (socket: ScriptedSocket) =>
  socket.taken.flatMap((datagram) => readHeartbeat(datagram) ?? [])
const metadata = { bytes: Buffer.from('{"event":"agent_init","host":"agent"}\n') }

describe('a host without an address', () => {
  it.each(['ENOTFOUND', 'EAI_AGAIN'])('is an error of open: %s', async (code) => {
    const opening = ExporterRig.open({
      host: 'agent',
      resolve: () => {
        throw Object.assign(new Error('no'), { code })
      },
    })
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_UNRESOLVED',
      message: expect.stringContaining(code),
    })
  })

  it('is one when the resolver does not answer in five seconds', async () => {
    const rig = ExporterRig.make({ host: 'agent', resolve: () => new Promise(() => {}) })
    onTestFinished(() => rig.end())
    const opening = codeOfRejection(rig.start())
    await rig.pass(4999, 1)
    expect(rig.clock.timers).toBe(1)
    await rig.pass(1)
    expect(await opening).toBe('ERR_UNRESOLVED')
    expect(rig.clock.timers).toBe(0)
  })

  it('leaves nothing behind: the memory of the service is free again', async () => {
    const rig = ExporterRig.make({ host: 'agent', resolve: () => [] })
    const opening = codeOfRejection(rig.start())
    await rig.quiet()
    expect(await opening).toBe('ERR_UNRESOLVED')
    const { handle } = rig.ring
    await rig.end()
    expect(codeOf(() => rig.join(handle))).toBe('ERR_STALE_HANDLE')
  })
})

describe('a slow resolver', () => {
  it('holds up no event: the old address is used until there is another', async () => {
    let answer: (addresses: ReturnType<typeof at>) => void = () => {}
    let asked = 0
    const rig = await open({
      resolve: () => (asked++ === 0 ? at('10.0.0.1') : new Promise((resolve) => (answer = resolve))),
    })
    rig.write('first')
    await rig.pass(1000, 100)
    for (const line of ['second', 'third']) {
      rig.write(line)
      await rig.pass(100, 10)
    }
    expect(asked).toBe(2)
    expect(eventsOf(rig.sockets[0]!.taken)).toEqual(['first', 'second', 'third'])
    answer(at('10.0.0.2'))
    await rig.quiet()
    rig.write('fourth')
    await rig.quiet()
    expect(rig.peers.map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.2'])
    expect(eventsOf(rig.sockets[1]!.taken)).toEqual(['fourth'])
  })
})

describe('a resolver that fails later', () => {
  it('is told of, and the old address stays', async () => {
    let isUp = true
    const rig = await open({
      resolve: () => {
        if (isUp) return at('10.0.0.1')
        throw Object.assign(new Error('no'), { code: 'EAI_AGAIN' })
      },
    })
    isUp = false
    for (let i = 0; i < 30; i++) {
      rig.write(`${i}`)
      await rig.pass(100, 10)
    }
    expect(rig.ledger()).toMatchObject({ offered: 30, sent: 30, dropped: 0 })
    expect(rig.sockets).toHaveLength(1)
    const { lookups, failures, changes } = rig.stats().resolver
    expect({ changes, failed: failures === lookups - 1 }).toEqual({ changes: 0, failed: true })
    expect(rig.stats().errors.EAI_AGAIN).toBe(failures)
    expect(rig.alerts).toContainEqual(
      expect.objectContaining({ kind: 'error', code: 'EAI_AGAIN', events: 0 }),
    )
  })
})

describe('another address', () => {
  /** An exporter that has sent to 10.0.0.1, and a resolver that now answers 10.0.0.2. */
  async function openMoved(options: RigOptions = {}): Promise<ExporterRig> {
    let address = '10.0.0.1'
    const rig = await open({ metadata, resolve: () => at(address), ...options })
    rig.write('old')
    await rig.pass(1000, 100)
    address = '10.0.0.2'
    return rig
  }

  it('has the sockets say goodbye and be replaced, and metadata sent again', async () => {
    const rig = await openMoved()
    rig.write('this one has the resolver asked')
    await rig.pass(100, 10)
    rig.write('new')
    await rig.pass(100, 10)
    const [before, after] = rig.sockets
    expect(rig.peers.map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.2'])
    expect(before!.isClosed).toBe(true)
    expect(heartbeatsOf(before!).map(({ seq, last, lines }) => ({ seq, last, lines }))).toEqual([
      { seq: 0, last: false, lines: 0 },
      ...Array.from({ length: 3 }, () => ({ seq: 1, last: true, lines: 3 })),
    ])
    expect(textsOf(after!)[1]).toBe(String(metadata.bytes))
    expect(eventsOf(after!.taken)).toEqual(['new'])
    expect(rig.alerts).toContainEqual(
      expect.objectContaining({
        kind: 'address',
        address: '10.0.0.2',
        message: expect.stringContaining('agent'),
      }),
    )
    expect(rig.stats()).toMatchObject({
      resolver: { changes: 1 },
      pool: { size: 1, opened: 2, replaced: 0 },
      metadata: { sent: 2 },
    })
  })

  it('has metadata sent there although there is no further event', async () => {
    const rig = await openMoved()
    rig.write('the last for now')
    await rig.pass(100, 10)
    expect(textsOf(rig.sockets[1]!)).toContain(String(metadata.bytes))
  })

  it('is another flow, with a number of its own', async () => {
    const rig = await openMoved()
    for (let i = 0; i < 3; i++) {
      rig.write(`${i}`)
      await rig.pass(100, 10)
    }
    expect(rig.sockets.map((socket) => heartbeatsOf(socket)[0]!.flow)).toEqual([1, 2])
    expect(heartbeatsOf(rig.sockets[1]!)[0]).toMatchObject({ seq: 0, lines: 0 })
  })

  it('gets what was in the queue of the old sockets', async () => {
    const isFirst = firstOnly()
    const rig = await openMoved({
      metadata: undefined,
      script: (datagram, socket) =>
        isFirst(socket) && String(datagram) === 'queued\n' ? 'never' : undefined,
    })
    rig.write('queued')
    await rig.pass(100, 10)
    expect(eventsOf(rig.sockets[1]!.taken)).toEqual(['queued'])
    expect(rig.ledger()).toMatchObject({ offered: 2, sent: 2, inFlight: 0, dropped: 0 })
    expect(rig.errors()).toEqual({ ECANCELED: { times: 1, events: 0 } })
  })

  it('that cannot be reached keeps the events in the ring', async () => {
    let isReachable = false
    const rig = await openMoved({
      onConnect: ({ address }) => {
        if (address === '10.0.0.2' && !isReachable)
          throw Object.assign(new Error('no'), { code: 'ENETUNREACH' })
      },
    })
    rig.write('asks')
    await rig.pass(100, 10)
    for (let i = 0; i < 10; i++) rig.write(`${i}`)
    await rig.pass(500, 10)
    expect(rig.ledger()).toMatchObject({ sent: 2, dropped: 0 })
    isReachable = true
    await rig.pass(200, 10)
    expect(rig.ledger()).toMatchObject({ offered: 12, sent: 12, inRing: 0, inFlight: 0, dropped: 0 })
  })

  it('is asked for early when the peer refuses', async () => {
    const isFirst = firstOnly()
    let address = '10.0.0.1'
    const rig = await open({
      resolveRefreshMs: 600_000,
      resolve: () => at(address),
      script: (_, socket) => (isFirst(socket) ? 'ECONNREFUSED' : undefined),
    })
    address = '10.0.0.2'
    rig.write('refused')
    await rig.pass(2000, 10)
    rig.write('taken')
    await rig.pass(100, 10)
    expect(rig.peers.at(-1)!.address).toBe('10.0.0.2')
    expect(eventsOf(rig.sockets.at(-1)!.taken)).toContain('taken')
  })

  it('is not asked for while nothing is sent', async () => {
    let asked = 0
    const rig = await open({
      resolve: () => {
        asked++
        return at('10.0.0.1')
      },
    })
    await rig.pass(600_000, 1000)
    expect(asked).toBe(1)
    expect(rig.clock.timers).toBe(0)
  })
})

/** Tells the first socket that it is asked about from all others. */
function firstOnly(): (socket: ScriptedSocket) => boolean {
  let first: ScriptedSocket | undefined
  return (socket) => {
    first ??= socket
    return socket === first
  }
}

async function codeOfRejection(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise
  } catch (error) {
    return (error as { code?: string }).code
  }
  return undefined
}
