import process from 'node:process'
import { messageOf } from '../core/errors.ts'
import { type CommandHost, defineCommand } from './command.ts'
import { judgeBuffers, measureBuffers } from './doctor/buffers.ts'
import { type Counts, countNow, judgeDrops } from './doctor/drops.ts'
import { type Finding, notSaid, tally } from './doctor/finding.ts'
import { judgeAddressSpace, judgeFiles, judgeMemory } from './doctor/limits.ts'
import { lookAtLoopback } from './doctor/loopback.ts'
import { type Place, parsePlace } from './doctor/place.ts'
import { renderFinding, renderSum } from './doctor/report.ts'
import { lookAtRuntime } from './doctor/runtime.ts'
import { thisSystem } from './doctor/system.ts'
import { lookAtWay } from './doctor/way.ts'
import { exitCode } from './exit.ts'
import { choice, number, toggle, type Values } from './flags.ts'
import { paintFor } from './terminal.ts'

const flags = {
  role: choice(
    '<role>',
    ['send', 'collect', 'both'],
    'What this machine does; the others are not looked at.',
    'both',
  ),
  seconds: number('<s>', { from: 0, to: 3600 }, 'How long the counters of drops are watched.', 1),
  strict: toggle('Warnings count as problems.'),
  json: toggle('Each as NDJSON.'),
  quiet: toggle('Only warnings and problems.'),
}

type DoctorValues = Values<typeof flags>

/** `spillway doctor`: what of this machine loses events, and what to change. */
export const doctor = defineCommand({
  summary: 'Looks at this machine: runtime, kernel buffers, drops, limits, MTU.',
  operands: ['[host[:port]]'],
  description: [
    'Says for each thing that spillway needs whether it is as it should be, what it means, and exactly what to change.',
    'With host:port the way there is looked at, too: addresses, interface, MTU, which datagrams come there, and whether somebody listens. For that it sends one empty datagram to the port, and up to five of newlines to a port where nobody listens.',
    'It changes nothing.',
  ].join('\n'),
  flags,
  examples: [
    'spillway doctor',
    'spillway doctor 10.0.0.7:9999 --role send',
    'spillway doctor --seconds 60 --quiet',
    'spillway doctor --json | jq \'select(.verdict == "problem")\'',
  ],
  exitCodes: [
    ['0', 'There is nothing to do: no problem, and with --strict no warning.'],
    ['1', 'There is: each problem has a line with what to change.'],
    ['3', 'It could not look: no socket or thread can be had here, or the host has no address.'],
  ],
  run: async (values, [target], host) => {
    const place = target === undefined ? undefined : parsePlace(target)
    const findings: Finding[] = []
    for await (const finding of examine(values, place)) {
      findings.push(finding)
      say(finding, values, host)
    }
    sayEnd(findings, values, host)
    return codeOf(findings, values)
  },
})

async function* examine(values: DoctorValues, place: Place | undefined): AsyncGenerator<Finding> {
  const before = countNow(thisSystem, performance.now())
  const runtime = await lookAtRuntime()
  yield* runtime
  // Without the core there is no I/O thread to start.
  const hasCore = runtime.every(({ check, verdict }) => check !== 'wasm' || verdict === 'ok')
  const loopback = hasCore ? await lookAtLoopback() : notSaid('threads', 'whether the I/O thread runs')
  yield loopback
  yield* await lookAtBuffers(values)
  yield judgeFiles(thisSystem)
  yield judgeMemory(thisSystem)
  yield judgeAddressSpace(thisSystem)
  // Before anything is sent to where nobody listens: that is counted, too.
  yield* await watchDrops(before, values.seconds * 1000)
  // Deno throws out of our reach where sockets are not permitted.
  if (place !== undefined && !loopback.couldNotLook) yield* await lookAtWay(thisSystem, place)
}

async function lookAtBuffers({ role }: DoctorValues): Promise<Finding[]> {
  try {
    return judgeBuffers(thisSystem, await measureBuffers(thisSystem.platform), role)
  } catch (error) {
    return [notSaid('buffers', `the buffers of sockets (${messageOf(error)})`)]
  }
}

async function watchDrops(before: Counts, watchMs: number): Promise<Finding[]> {
  const restMs = before.atMs + watchMs - performance.now()
  if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs))
  return judgeDrops(thisSystem, before, countNow(thisSystem, performance.now()))
}

function say(finding: Finding, { json, quiet }: DoctorValues, { stdout }: CommandHost): void {
  if (quiet && (finding.verdict === 'ok' || finding.verdict === 'unknown')) return
  if (json) stdout.write(`${JSON.stringify({ kind: 'finding', ...finding })}\n`)
  else stdout.write(renderFinding(finding, paintFor(stdout, process.env)))
}

function sayEnd(findings: readonly Finding[], values: DoctorValues, { stdout }: CommandHost): void {
  if (!values.json) stdout.write(renderSum(findings, paintFor(stdout, process.env)))
  else
    stdout.write(
      `${JSON.stringify({ kind: 'summary', ...tally(findings), exitCode: codeOf(findings, values) })}\n`,
    )
}

function codeOf(findings: readonly Finding[], { strict }: DoctorValues): number {
  if (findings.some(({ couldNotLook }) => couldNotLook)) return exitCode.cannotStart
  const { problem, warning } = tally(findings)
  return problem > 0 || (strict && warning > 0) ? exitCode.failed : exitCode.ok
}
