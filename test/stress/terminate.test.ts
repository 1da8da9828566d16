// Threads terminated at random instants, again and again: the others go on, and the ledger still closes.
import { ManyToOne, OneToMany, OneToOne } from 'spillway'
import { expect, test } from 'vitest'
import type { Random } from '../../src/sim/network/random.ts'
import { checkLaw } from '../suite/ledger.ts'
import { type Policy, policies, readAll } from '../suite/rigs.ts'
import { sleep, until } from '../support/harness.ts'
import { StreamCheck } from '../support/payload.ts'
import { started, withSeed } from './scenario.ts'

const ROUNDS = 25
const shape = { recordBytes: 200 }
const lengths = [0, 1600] as const

/** A moment within which a thread is killed: mostly at full speed, sometimes right after it began. */
const lifetime = (random: Random) => (random.chance(0.3) ? 0 : random.between(1, 12))

for (const policy of policies) {
  test(`ManyToOne, ${policy}: writers die, their places are taken again`, () =>
    withSeed((random) => killWriters(policy, random)))

  test(`OneToOne, ${policy}: one writer after another dies, one reader reads on`, () =>
    withSeed((random) => killOnlyWriter(policy, random)))

  test(`OneToOne, ${policy}: one reader after another dies, one writer writes on`, () =>
    withSeed((random) => killOnlyReader(policy, random)))

  test(`OneToMany, ${policy}: pollers die, others hear all or are told`, () =>
    withSeed((random) => killPollers(policy, random)))
}

async function killWriters(policy: Policy, random: Random): Promise<void> {
  let alerted = 0
  const options = { ...shape, policy, maxWriters: 3 }
  const diode = new ManyToOne(8, (missed) => (alerted += missed), options)
  const { handle } = diode
  const check = new StreamCheck()
  const drain = () => diode.drain((record) => check.take(record), 300)
  const spawn = (writer: number) =>
    started('writeForever', { kind: 'ManyToOne', handle, writer, lengths, claims: random.chance(0.5) })
  for (let round = 0; round < ROUNDS; round++) {
    const victims = [await spawn(2 * round + 1), await spawn(2 * round + 2)]
    const before = Date.now()
    const ms = lifetime(random)
    do {
      drain()
      if (random.chance(0.1)) await sleep(0)
    } while (Date.now() - before < ms)
    await Promise.all(victims.map((victim) => victim.terminate()))
  }
  while (drain() > 0);
  closeLedger(diode, check, alerted)
  diode.close()
}

function closeLedger(diode: ManyToOne | OneToOne, check: StreamCheck, alerted: number): void {
  expect(check.problems).toEqual([])
  const stats = diode.stats()
  checkLaw(stats, 'at the end')
  expect({ depth: stats.depth, read: stats.read, missed: stats.missed }).toEqual({
    depth: 0,
    read: check.records,
    missed: alerted,
  })
}

async function killOnlyWriter(policy: Policy, random: Random): Promise<void> {
  let alerted = 0
  const diode = new OneToOne(8, (missed) => (alerted += missed), { ...shape, policy })
  const check = new StreamCheck()
  const drain = () => diode.drain((record) => check.take(record), random.between(1, 20))
  drain()
  for (let round = 0; round < ROUNDS; round++) {
    const job = { kind: 'OneToOne', handle: diode.handle, writer: round, lengths, claims: random.chance(0.5) }
    const victim = await started('writeForever', job)
    const before = Date.now()
    const ms = lifetime(random)
    do drain()
    while (Date.now() - before < ms)
    await victim.terminate()
    await sleep(0)
  }
  while (drain() > 0);
  closeLedger(diode, check, alerted)
  diode.close()
}

async function killOnlyReader(policy: Policy, random: Random): Promise<void> {
  const diode = new OneToOne(8, null, { ...shape, policy })
  const { handle } = diode
  const record = new Uint8Array(60)
  let stored = 0
  const write = (count: number) => {
    for (let i = 0; i < count; i++) if (diode.set(record.subarray(0, i % 60))) stored++
  }
  for (let round = 0; round < ROUNDS; round++) {
    const way = random.pick(['tryNext', 'drain', 'waiter', 'nextSync'] as const)
    const job = { kind: 'OneToOne', handle, way, slow: random.chance(0.5) }
    const victim = await started('read', job, 'ready')
    const before = Date.now()
    const ms = lifetime(random)
    do {
      write(random.between(1, 50))
      if (random.chance(0.05)) await sleep(0)
    } while (Date.now() - before < ms)
    await victim.terminate()
    await sleep(0)
    checkLaw(diode.stats(), `round ${round}`)
  }
  const heir = OneToOne.from(handle)
  const before = diode.stats()
  const got = readAll(heir).length
  const stats = diode.stats()
  // What the last one had in hand when it died was waiting until its heir came, and is lost with it.
  const lostInHand = stats.missed - before.missed
  expect(got + lostInHand, 'what the dead had not read').toBe(before.depth)
  checkLaw(stats, 'at the end')
  expect({ written: stats.written, depth: stats.depth }).toEqual({ written: stored, depth: 0 })
  heir.close()
  diode.close()
}

async function killPollers(policy: Policy, random: Random): Promise<void> {
  let alerted = 0
  const diode = new OneToMany(32, null, { ...shape, policy })
  const poller = diode.poller((missed) => (alerted += missed))
  const record = new Uint8Array(200)
  let read = 0
  for (let round = 0; round < ROUNDS; round++) {
    const way = random.pick(['tryNext', 'drain', 'waiter', 'nextSync'] as const)
    const job = { kind: 'OneToMany', handle: diode.handle, way, slow: random.chance(0.5) }
    const victim = await started('read', job, 'ready')
    const before = Date.now()
    const ms = lifetime(random)
    do {
      for (let i = 0; i < 20; i++) diode.set(record.subarray(0, random.between(0, 200)))
      read += poller.drain(() => {}, random.between(0, 40))
      if (random.chance(0.05)) await sleep(0)
    } while (Date.now() - before < ms)
    await victim.terminate()
  }
  read += readAll(poller).length
  await until(() => diode.set('still takes records'), 'the ring is not frozen')
  read += readAll(poller).length
  const stats = poller.stats()
  checkLaw(stats, 'poller')
  checkLaw(diode.stats(), 'ring')
  expect({ read: stats.read, missed: stats.missed, depth: stats.depth }).toEqual({
    read,
    missed: alerted,
    depth: 0,
  })
  poller.close()
  diode.close()
}
