import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { allReceived } from '../../support/all-received.ts'
import { UdpReceiver } from '../../support/udp-receiver.ts'
import { type ExitCase, exitCases, type Promised } from './matrix.ts'

export interface Runtime {
  readonly path: string
  readonly args: readonly string[]
  readonly isDeno: boolean
}

/** From what a program did to its end: */
const END_MS = 2000
/** and if it has something that can never be sent. It is held for 2000 by that. */
const STUCK_MS = 3000
/** No program takes nearly as long. */
const LONGEST_MS = 15_000

const HEARTBEAT = '{"event":"spillway.stats"'

/** A test for each case, some at once (`maxConcurrency`): programs spend most of their time waiting, some for an end of two seconds. */
export function testExits(runtime: () => Runtime): void {
  test.concurrent.each(exitCases)('$program: $row', (one) => runCase(one, runtime()))
}

/** Runs the program and checks what became of it, and of what it sent. */
async function runCase(one: ExitCase, runtime: Runtime): Promise<void> {
  const receiver = await UdpReceiver.open()
  const { port } = receiver
  if (one.isDead) await receiver.close()
  const ended = await runProgram(one, runtime, port)
  expectEnd(one, ended, runtime.isDeno)
  if (one.isDead) return
  await allReceived(receiver)
  await receiver.close()
  expectArrived(one, ended, receiver, runtime.isDeno ? one.inDeno : one.promised)
}

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly errors: string
  readonly tookMs: number
  /** What the program said. */
  readonly facts: Record<string, unknown>
}

async function runProgram(one: ExitCase, { path, args }: Runtime, port: number): Promise<Ended> {
  const { end, events, options } = one
  const file = fileURLToPath(new URL(`./${one.program}.mjs`, import.meta.url))
  const child = spawn(path, [...args, file, JSON.stringify({ end, port, events, options })], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: LONGEST_MS,
    killSignal: 'SIGKILL',
  })
  const exit = once(child, 'exit').then(() => Date.now())
  const [output, errors, endedAtMs] = await Promise.all([text(child.stdout), text(child.stderr), exit])
  const facts = Object.assign(
    {},
    ...output
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  )
  const tookMs = endedAtMs - facts.endingAtMs
  return { code: child.exitCode, signal: child.signalCode, errors, tookMs, facts }
}

function expectEnd(one: ExitCase, { code, signal, tookMs, errors, facts }: Ended, isDeno: boolean): void {
  const ends = isDeno ? one.endsInDeno : one.ends
  const expected = typeof ends === 'number' ? { code: ends, signal: null } : { code: null, signal: ends }
  expect({ code, signal }, errors.slice(-2000)).toEqual(expected)
  expect(tookMs, 'ms until its end').toBeLessThan(one.isStuck ? STUCK_MS : END_MS)
  expect(facts).toMatchObject(one.says)
}

function expectArrived(one: ExitCase, { facts }: Ended, receiver: UdpReceiver, promised: Promised): void {
  const arrived = receiver.events().map((line): number => JSON.parse(line).i)
  const count = arrived.length
  expect(new Set(arrived).size, 'events, each counted once').toBe(count)
  if (promised === 'perhaps some') return
  expect(
    arrived.filter((i) => i >= count),
    'events that do not follow those before them',
  ).toEqual([])
  if (one.arrive === 'accepted') expect(count).toBeGreaterThanOrEqual(facts.accepted as number)
  else expect(count).toBe(one.arrive)
  if (promised === 'all') expectClosedLedger(receiver, count, one.arrive === 'accepted' ? 1 : 0)
}

/**
 * The last heartbeat of each flow tells how many lines went over it, and what became of all events. A line that a worker was about to
 * store when the exporter was closed may be `late`: it comes after that, or not at all.
 */
function expectClosedLedger(receiver: UdpReceiver, events: number, late: number): void {
  const flows = flowsOf(receiver)
  const untold = flows.reduce((sum, { lines, last }) => sum + lines - last.lines, 0)
  const sent = Math.max(...flows.map(({ last }) => last.sent))
  expect(flows.map(({ last }) => last.last)).toEqual(flows.map(() => true))
  expect([0, late], 'lines that the last heartbeats do not tell of').toContain(untold)
  expect([0, late], 'events that they do not tell of').toContain(events - sent)
}

interface Flow {
  /** Received, without heartbeats. */
  lines: number
  /** The last heartbeat. */
  last: { last: boolean; lines: number; sent: number }
}

function flowsOf({ datagrams, ports }: UdpReceiver): Flow[] {
  const flows = new Map<number, Flow>()
  for (const [i, datagram] of datagrams.entries()) {
    const lines = String(datagram).trimEnd().split('\n')
    const flow = flows.get(ports[i]!) ?? { lines: 0, last: { last: false, lines: 0, sent: 0 } }
    flows.set(ports[i]!, flow)
    if (lines[0]!.startsWith(HEARTBEAT)) flow.last = JSON.parse(lines[0]!)
    else flow.lines += lines.length
  }
  return [...flows.values()]
}
