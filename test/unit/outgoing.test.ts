import { describe, expect, it, onTestFinished } from 'vitest'
import { slotCount } from '../../src/net/slots.ts'
import { ExporterRig, type RigOptions } from '../support/exporter-rig.ts'
import { linesOf } from '../support/scripted-socket.ts'

async function open(options: RigOptions = {}): Promise<ExporterRig> {
  const rig = await ExporterRig.open(options)
  onTestFinished(() => rig.end())
  return rig
}

const datagramsOf = (rig: ExporterRig) => rig.taken().map(String)
const takenOf = (rig: ExporterRig) => linesOf(rig.taken())
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`)

/** Datagrams of 200 bytes: this many may be under way. */
const SLOTS = slotCount(200)

describe('when a datagram goes', () => {
  it('goes when its first line has waited maxDelayMs, with all that came until then', async () => {
    const rig = await open({ maxDelayMs: 5 })
    rig.write('first')
    await rig.pass(3)
    rig.write('second')
    await rig.pass(1)
    expect(datagramsOf(rig)).toEqual([])
    await rig.pass(1)
    expect(datagramsOf(rig)).toEqual(['first\nsecond\n'])
  })

  it('goes at once when the next line does not fit', async () => {
    const rig = await open({ maxDelayMs: 1000 })
    for (let i = 0; i < 3; i++) rig.write(`${i}`.repeat(99))
    await rig.quiet()
    expect(datagramsOf(rig)).toEqual([`${'0'.repeat(99)}\n${'1'.repeat(99)}\n`])
    await rig.pass(1000)
    expect(datagramsOf(rig)).toHaveLength(2)
  })

  it('goes at once with no delay allowed, and with one event a datagram', async () => {
    for (const options of [{ maxDelayMs: 0 }, { maxDelayMs: 1000, oneEventPerDatagram: true }]) {
      const rig = await open(options)
      rig.write('alone')
      await rig.quiet()
      expect(datagramsOf(rig)).toEqual(['alone\n'])
    }
  })

  it('leaves out what no datagram has room for, although writers should not be let through with it', async () => {
    const rig = await open({ longestLine: 300 })
    for (const length of [250, 10, 300, 300]) rig.write('x'.repeat(length))
    await rig.quiet()
    expect(datagramsOf(rig)).toEqual([`${'x'.repeat(10)}\n`])
    expect(rig.ledger()).toMatchObject({
      offered: 4,
      sent: 1,
      inFlight: 0,
      dropped: 3,
      droppedBy: { EMSGSIZE: 3 },
    })
    expect(rig.alerts).toContainEqual(expect.objectContaining({ kind: 'error', code: 'EMSGSIZE', events: 3 }))
  })

  it('goes on a flush, however long it might have waited', async () => {
    const rig = await open({ maxDelayMs: 60_000 })
    rig.write('x')
    await rig.pass(20_000, 4)
    expect(datagramsOf(rig)).toEqual([])
    // Half full the bell is not armed: the flush is found by looking, and that often.
    const isServed = rig.askFlush()
    await rig.pass(4)
    expect(isServed()).toBe(true)
    expect(datagramsOf(rig)).toEqual(['x\n'])
  })
})

describe('asleep', () => {
  it('has no timer and waits at the bell, which a line rings', async () => {
    const rig = await open({ maxDelayMs: 5 })
    for (let round = 1; round <= 3; round++) {
      expect({ timers: rig.clock.timers, waiting: rig.waiting }).toEqual({ timers: 0, waiting: 1 })
      rig.write(`${round}`)
      await rig.pass(5)
      expect(takenOf(rig)).toHaveLength(round)
    }
  })

  it('does not arm the bell while a datagram is half full, so that writers make no system call', async () => {
    const rig = await open({ maxDelayMs: 5 })
    rig.write('x')
    await rig.pass(2)
    expect(rig.waiting).toBe(0)
    await rig.pass(3)
    expect(rig.waiting).toBe(1)
  })

  it('holds nothing back when it is closed: no timer, nobody waiting at the bell', async () => {
    const rig = await open({ maxDelayMs: 1000 })
    rig.write('half a datagram')
    await rig.pass(1)
    await rig.close()
    expect({ timers: rig.clock.timers, waiting: rig.waiting }).toEqual({ timers: 0, waiting: 0 })
    expect(takenOf(rig)).toEqual(['half a datagram'])
  })

  it('ends at once when it must: then what was packed is in flight for good, and there is no timer', async () => {
    const rig = await open({ maxDelayMs: 1000 })
    rig.write('half a datagram')
    await rig.pass(1)
    await rig.close(0)
    expect({ timers: rig.clock.timers, waiting: rig.waiting }).toEqual({ timers: 0, waiting: 0 })
    expect(rig.ledger()).toMatchObject({ offered: 1, sent: 0, inFlight: 1 })
  })
})

describe('a flush', () => {
  it('is served when the kernel has answered for everything, and not before', async () => {
    const rig = await open({ script: () => 'never' })
    rig.write('x')
    const isServed = rig.askFlush()
    await rig.pass(1000, 50)
    expect(isServed()).toBe(false)
    await rig.release()
    expect(isServed()).toBe(true)
    expect(rig.ledger()).toMatchObject({ offered: 1, sent: 1, inFlight: 0 })
  })

  it("waits for what is nobody's event, too", async () => {
    const rig = await open({
      metadata: { bytes: Buffer.from('{"event":"agent_init"}\n') },
      script: () => 'never',
    })
    const isServed = rig.askFlush()
    await rig.quiet()
    expect(isServed()).toBe(false)
    await rig.release()
    expect(isServed()).toBe(true)
  })

  it('is served with nothing to send', async () => {
    const rig = await open()
    const isServed = rig.askFlush()
    await rig.quiet()
    expect(isServed()).toBe(true)
    expect(rig.sockets).toHaveLength(0)
  })

  it('does not count as served by one that was asked for before it', async () => {
    let answer: string | undefined = 'never'
    const rig = await open({ script: () => answer })
    rig.write('first')
    const isFirstServed = rig.askFlush()
    await rig.quiet()
    rig.write('second')
    const isSecondServed = rig.askFlush()
    await rig.quiet()
    expect([isFirstServed(), isSecondServed()]).toEqual([false, false])
    answer = undefined
    await rig.release()
    expect([isFirstServed(), isSecondServed()]).toEqual([true, true])
  })

  it('is served for good once the exporter is closed: nobody could serve it later', async () => {
    const rig = await open({ script: () => 'never' })
    rig.write('x')
    await rig.quiet()
    const isServed = rig.askFlush()
    await rig.close()
    expect(isServed()).toBe(true)
    expect(rig.askFlush()()).toBe(true)
  })
})

describe('a kernel that does not answer', () => {
  it('gets as many datagrams as there are slots; the ring takes the rest, and drops by its policy', async () => {
    const rig = await open({ script: () => 'never', oneEventPerDatagram: true, capacity: 64 })
    for (let i = 0; i < SLOTS; i++) rig.write(`${i}`)
    await rig.quiet()
    for (let i = 0; i < 100; i++) rig.write(`late ${i}`)
    await rig.pass(1000, 10)
    expect(rig.given()).toHaveLength(SLOTS)
    expect(rig.ledger()).toMatchObject({
      offered: SLOTS + 100,
      inFlight: SLOTS,
      inRing: 64,
      dropped: 36,
      droppedBy: { overwritten: 36 },
    })
  })

  it('is told of while it lasts, not when it is over', async () => {
    const rig = await open({ script: () => 'never', oneEventPerDatagram: true, capacity: 64 })
    for (let i = 0; i < SLOTS; i++) rig.write(`${i}`)
    await rig.quiet()
    for (let i = 0; i < 100; i++) rig.write(`late ${i}`)
    await rig.pass(250, 10)
    expect(rig.alerts).toContainEqual(
      expect.objectContaining({ kind: 'level', name: 'queue', state: 'raised' }),
    )
    expect(rig.alerts).toContainEqual(
      expect.objectContaining({ kind: 'drop', reason: 'overwritten', events: 36 }),
    )
  })

  it('gets the rest in order when it answers again', async () => {
    let answer: string | undefined = 'never'
    const rig = await open({ script: () => answer, oneEventPerDatagram: true, capacity: 256 })
    for (const line of numbers(0, 200)) rig.write(line)
    await rig.quiet()
    expect(rig.given()).toHaveLength(SLOTS)
    answer = undefined
    await rig.release()
    expect(takenOf(rig)).toEqual(numbers(0, 200))
    expect(rig.ledger()).toMatchObject({ offered: 200, sent: 200, dropped: 0 })
    expect(rig.clock.timers).toBe(0)
  })

  it('gets more as soon as it has answered for half', async () => {
    const rig = await open({ script: () => 'never', oneEventPerDatagram: true, poolSize: 1 })
    for (const line of numbers(0, SLOTS)) rig.write(line)
    await rig.quiet()
    for (const line of numbers(SLOTS, 2 * SLOTS)) rig.write(line)
    rig.socket.release(undefined, SLOTS / 2 - 1)
    await rig.quiet()
    expect(rig.given()).toHaveLength(SLOTS)
    rig.socket.release(undefined, 1)
    await rig.quiet()
    expect(rig.given()).toHaveLength(SLOTS + SLOTS / 2)
  })

  it('may go on answering for some: those slots are used', async () => {
    // Three in four are never answered, so that never half of the slots are free again.
    let count = 0
    const rig = await open({
      script: () => (count++ % 4 === 0 ? undefined : 'never'),
      oneEventPerDatagram: true,
    })
    for (const line of numbers(0, 64)) rig.write(line)
    await rig.quiet()
    for (const line of numbers(64, 80)) rig.write(line)
    await rig.pass(500, 10)
    expect(rig.given()).toHaveLength(80)
  })
})

describe('sequence lines', () => {
  const sequenceOf = (datagram: Buffer) =>
    Number(/^\{"spillway":"[0-9a-f]{16}","d":(\d+) *\}\n/.exec(String(datagram))?.[1])

  it('number the datagrams of events without a gap', async () => {
    const rig = await open({ sequence: true, oneEventPerDatagram: true })
    for (const line of numbers(0, 20)) rig.write(line)
    await rig.quiet()
    expect(rig.socket.taken.map(sequenceOf)).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })

  it('are numbered anew for a datagram that goes over another socket', async () => {
    // The first socket leaves the third unanswered, and is spoilt by the fourth: the third comes back.
    const answers = [undefined, undefined, 'never', 'EPERM']
    const rig = await open({
      sequence: true,
      oneEventPerDatagram: true,
      script: () => answers.shift(),
    })
    for (const line of numbers(0, 6)) rig.write(line)
    await rig.pass(200, 10)
    const [first, second] = rig.sockets
    expect(first!.taken.map(sequenceOf)).toEqual([0, 1, 4, 5])
    expect(second!.taken.map(sequenceOf)).toEqual([0])
    expect(second!.lines()).toContain('2')
    expect(rig.ledger()).toMatchObject({ offered: 6, sent: 5, dropped: 1, droppedBy: { EPERM: 1 } })
  })
})
