import { describe, expect, it, onTestFinished } from 'vitest'
import { ExporterRig, type RigOptions } from '../support/exporter-rig.ts'
import { linesOf } from '../support/scripted-socket.ts'

// The table of docs/exporter.md, "What can go wrong on the wire", line by line.

async function open(options: RigOptions = {}): Promise<ExporterRig> {
  const rig = await ExporterRig.open(options)
  onTestFinished(() => rig.end())
  return rig
}

/** Answers these in turn, and from then on takes everything. */
const inTurn =
  (...answers: (string | undefined)[]) =>
  () =>
    answers.shift()

const textsOf = (rig: ExporterRig) => rig.given().map(({ text }) => text)

describe('a datagram that is taken', () => {
  it('counts as sent, with its events, its bytes, and itself', async () => {
    const rig = await open()
    rig.write('one')
    rig.write('three')
    await rig.quiet()
    expect(rig.ledger()).toMatchObject({ offered: 2, sent: 2, inFlight: 0, dropped: 0 })
    expect(rig.stats()).toMatchObject({ bytes: 10, datagrams: 1, errors: {}, retries: 0 })
  })
})

describe('ECONNREFUSED', () => {
  it('speaks of a datagram before: this one is sent again at once, and is not lost', async () => {
    const rig = await open({ script: inTurn('ECONNREFUSED') })
    rig.write('x')
    await rig.quiet()
    expect(textsOf(rig)).toEqual(['x\n', 'x\n'])
    expect(rig.ledger()).toMatchObject({ sent: 1, dropped: 0 })
    expect(rig.errors()).toEqual({ ECONNREFUSED: { times: 1, events: 0 } })
    expect(rig.stats().retries).toBe(1)
  })

  it('is tried once: the second time it is dropped', async () => {
    const rig = await open({ script: inTurn('ECONNREFUSED', 'ECONNREFUSED') })
    rig.write('x')
    await rig.quiet()
    expect(textsOf(rig)).toEqual(['x\n', 'x\n'])
    expect(rig.ledger()).toMatchObject({ offered: 1, sent: 0, dropped: 1, droppedBy: { ECONNREFUSED: 1 } })
    expect(rig.errors()).toEqual({ ECONNREFUSED: { times: 2, events: 1 } })
  })

  it('is tried once for each datagram, whatever became of those before it', async () => {
    const seen = new Set<string>()
    const rig = await open({
      script: (datagram) => {
        const isFirst = !seen.has(String(datagram))
        seen.add(String(datagram))
        return isFirst ? 'ECONNREFUSED' : undefined
      },
    })
    for (let i = 0; i < 10; i++) {
      rig.write(`${i}`)
      await rig.quiet()
    }
    expect(rig.ledger()).toMatchObject({ offered: 10, sent: 10, dropped: 0 })
  })

  it('keeps the socket', async () => {
    const rig = await open({ script: inTurn('ECONNREFUSED', 'ECONNREFUSED') })
    for (const line of ['x', 'y']) {
      rig.write(line)
      await rig.quiet()
    }
    expect(rig.sockets).toHaveLength(1)
    expect(rig.stats().pool).toMatchObject({ size: 1, replaced: 0 })
  })

  it('raises the level of the peer, which recovers a second after the last', async () => {
    const rig = await open({ script: inTurn('ECONNREFUSED') })
    rig.write('x')
    await rig.quiet()
    const levels = () =>
      rig.alerts.flatMap((alert) => (alert.kind === 'level' ? [`${alert.name} ${alert.state}`] : []))
    expect(levels()).toEqual(['peer raised'])
    rig.write('y')
    await rig.pass(2000, 10)
    expect(levels()).toEqual(['peer raised', 'peer recovered'])
    expect(rig.clock.timers).toBe(0)
  })
})

describe.each(['EAGAIN', 'ENOBUFS'])('%s', (code) => {
  it.each([1, 2, 3, 4, 5])('said %i times: three more tries, after 1, 4 and 16 ms', async (times) => {
    const triedMs: number[] = []
    const rig = await open({
      script: () => {
        triedMs.push(rig.clock.now() - startMs)
        return triedMs.length <= times ? code : undefined
      },
    })
    const startMs = rig.clock.now()
    rig.write('x')
    await rig.pass(100)
    expect(triedMs).toEqual([0, 1, 5, 21].slice(0, times + 1))
    const isLost = times > 3
    expect(rig.ledger()).toMatchObject({
      offered: 1,
      sent: isLost ? 0 : 1,
      inFlight: 0,
      dropped: isLost ? 1 : 0,
    })
    expect(rig.errors()).toEqual({ [code]: { times: Math.min(times, 4), events: isLost ? 1 : 0 } })
    expect(rig.stats().retries).toBe(Math.min(times, 3))
  })

  it('does not hold up the datagrams behind it; a flush waits for it', async () => {
    const rig = await open({ script: inTurn(code), oneEventPerDatagram: true })
    rig.write('first')
    rig.write('second')
    const isServed = rig.askFlush()
    await rig.quiet()
    expect(linesOf(rig.taken())).toEqual(['second'])
    expect(rig.ledger().inFlight).toBe(1)
    expect(isServed()).toBe(false)
    await rig.pass(1)
    expect(linesOf(rig.taken())).toEqual(['second', 'first'])
    expect(isServed()).toBe(true)
  })
})

describe('EMSGSIZE', () => {
  /** A network for datagrams of so many bytes. */
  const upTo = (bytes: number) => (datagram: Buffer) => (datagram.length > bytes ? 'EMSGSIZE' : undefined)

  it('has the lines go one by one: each that fits arrives, each that does not is counted, once', async () => {
    const rig = await open({ script: upTo(50), maxDatagramBytes: 200 })
    const lines = [10, 49, 60, 5, 50].map((length, i) => `${i}`.repeat(length)) // and a newline each
    for (const line of lines) rig.write(line)
    await rig.quiet()
    expect(linesOf(rig.taken())).toEqual([lines[0], lines[1], lines[3]])
    expect(rig.ledger()).toMatchObject({
      offered: 5,
      sent: 3,
      inFlight: 0,
      dropped: 2,
      droppedBy: { EMSGSIZE: 2 },
    })
    expect(rig.errors()).toEqual({ EMSGSIZE: { times: 3, events: 2 } }) // the whole, and two lines
    expect(rig.stats()).toMatchObject({ bytes: 11 + 50 + 6, datagrams: 3 })
  })

  it('drops a datagram of one line', async () => {
    const rig = await open({ script: upTo(50) })
    rig.write('x'.repeat(60))
    await rig.quiet()
    expect(rig.given()).toHaveLength(1)
    expect(rig.errors()).toEqual({ EMSGSIZE: { times: 1, events: 1 } })
  })

  it('leaves the sequence line behind, and numbers go on', async () => {
    const rig = await open({ script: upTo(160), sequence: true, maxDatagramBytes: 250 })
    for (const length of [80, 80, 10]) rig.write('x'.repeat(length))
    await rig.quiet()
    rig.write('after')
    await rig.quiet()
    const numbers = rig.taken().map((datagram) => /^\{"spillway".*"d":(\d+)/.exec(String(datagram))?.[1])
    expect(numbers).toEqual([undefined, undefined, undefined, '1'])
    expect(rig.ledger()).toMatchObject({ sent: 4, dropped: 0 })
  })

  it('tries each line as it would a datagram', async () => {
    const answers = new Map([
      ['22\n', 'ECONNREFUSED'],
      ['333\n', 'EAGAIN'],
      ['4444\n', 'ECONNREFUSED'],
    ])
    const rig = await open({
      script: (datagram) => {
        const text = String(datagram)
        const answer = datagram.length > 8 ? 'EMSGSIZE' : answers.get(text)
        answers.delete(text)
        return answer
      },
    })
    for (const line of ['1', '22', '333', '4444']) rig.write(line)
    await rig.pass(10)
    expect(linesOf(rig.taken())).toEqual(['1', '22', '333', '4444'])
    expect(rig.ledger()).toMatchObject({ sent: 4, dropped: 0 })
  })

  it('keeps the socket', async () => {
    const rig = await open({ script: upTo(5) })
    rig.write('too long')
    await rig.quiet()
    rig.write('ok')
    await rig.quiet()
    expect(rig.sockets).toHaveLength(1)
  })
})

describe.each(['ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN', 'EPERM', 'EACCES', 'EINVAL', 'EWHATEVER'])(
  '%s',
  (code) => {
    it('has the datagram dropped and the socket replaced', async () => {
      const rig = await open({ script: inTurn(code) })
      rig.write('lost')
      await rig.quiet()
      expect(rig.sockets[0]!.isClosed).toBe(true)
      await rig.pass(100) // a socket that is spoilt at once is not replaced at once
      rig.write('kept')
      await rig.pass(100)
      expect(rig.sockets).toHaveLength(2)
      expect(rig.sockets[1]!.lines()).toEqual(['kept'])
      const reason = code === 'EWHATEVER' ? 'EOTHER' : code
      expect(rig.ledger()).toMatchObject({ offered: 2, sent: 1, dropped: 1, droppedBy: { [reason]: 1 } })
      expect(rig.stats().pool).toMatchObject({ size: 1, opened: 2, replaced: 1 })
    })
  },
)

describe('a socket that is closed with datagrams in its queue', () => {
  it('has them go over the next one', async () => {
    const rig = await open({ script: inTurn('never', 'EPERM'), oneEventPerDatagram: true })
    rig.write('queued')
    rig.write('refused')
    await rig.pass(200, 10)
    expect(rig.sockets[1]!.lines()).toEqual(['queued'])
    expect(rig.errors()).toEqual({ EPERM: { times: 1, events: 1 }, ECANCELED: { times: 1, events: 0 } })
    expect(rig.ledger()).toMatchObject({ offered: 2, sent: 1, inFlight: 0, dropped: 1 })
  })

  it('has those that wait for room go over the next one, too', async () => {
    const rig = await open({ script: inTurn('ENOBUFS', 'EPERM'), oneEventPerDatagram: true })
    rig.write('waiting')
    rig.write('refused')
    await rig.pass(200, 10)
    expect(rig.sockets[1]!.lines()).toEqual(['waiting'])
    expect(rig.errors()).toEqual({ ENOBUFS: { times: 1, events: 0 }, EPERM: { times: 1, events: 1 } })
    expect(rig.ledger()).toMatchObject({ sent: 1, inFlight: 0, dropped: 1 })
  })

  it('has the lines that are left go on over the next one', async () => {
    // The whole is too long; the second of its lines spoils the socket while the first is under way.
    const rig = await open({
      script: (datagram, socket) => {
        if (datagram.length > 20) return 'EMSGSIZE'
        return socket === rig.sockets[0] ? (String(datagram) === 'single\n' ? 'EPERM' : 'never') : undefined
      },
    })
    for (const line of ['0123456789', 'abcdefghij', 'ABCDEFGHIJ']) rig.write(line)
    await rig.quiet()
    rig.write('single')
    await rig.pass(200, 10)
    expect(rig.sockets[1]!.lines()).toEqual(['0123456789', 'abcdefghij', 'ABCDEFGHIJ'])
    expect(rig.ledger()).toMatchObject({ offered: 4, sent: 3, inFlight: 0, dropped: 1 })
  })

  it('is not believed for ever: a datagram that comes back a second time is dropped', async () => {
    const rig = await open({ script: inTurn('ECANCELED', 'ECANCELED') })
    rig.write('x')
    await rig.pass(100, 10)
    expect(rig.ledger()).toMatchObject({ sent: 0, dropped: 1, droppedBy: { ECANCELED: 1 } })
  })
})

describe('an answer that comes after the end', () => {
  it.each(['taken', 'ECONNREFUSED', 'EMSGSIZE', 'ENOBUFS'])('changes nothing: %s', async (answer) => {
    const rig = await open({ script: () => 'never' })
    for (const line of ['one', 'two']) rig.write(line)
    await rig.quiet()
    const [socket] = rig.sockets
    socket!.close = () => {} // one that tells nobody
    await rig.close(1)
    const before = rig.ledger()
    socket!.release(answer === 'taken' ? undefined : answer)
    await rig.pass(100)
    expect(rig.ledger()).toEqual(before)
    expect(rig.given()).toHaveLength(1)
    expect(rig.clock.timers).toBe(0)
  })
})
