import { messageOf } from '../../core/errors.ts'
import { Collector } from '../../node/collector.ts'
import { UdpExporter } from '../../node/udp.ts'
import type { Finding } from './finding.ts'

const LINES = 100
const PATIENCE_MS = 3000

/** The whole way, for real: the I/O thread, an exporter, UDP on loopback, a collector, a sink. */
export async function lookAtLoopback(): Promise<Finding> {
  const startedMs = performance.now()
  let came = 0
  let allCame = () => {}
  const all = new Promise<void>((resolve) => {
    allCame = resolve
  })
  try {
    const collector = await Collector.open({
      host: '127.0.0.1',
      sink: ({ count }) => {
        came += count
        if (came >= LINES) allCame()
      },
    })
    try {
      await sendLines(collector.address().port)
      await Promise.race([all, patience()])
    } finally {
      await collector.close()
    }
  } catch (error) {
    return {
      check: 'threads',
      verdict: 'problem',
      says: `the I/O thread cannot do its work: ${messageOf(error)}`,
      means: 'No exporter and no collector works here.',
      change:
        'permit worker threads and UDP sockets on 127.0.0.1 (Deno: -A; containers: no seccomp rule against them)',
      couldNotLook: true,
    }
  }
  const ms = performance.now() - startedMs
  const finding = { check: 'threads', figures: { sent: LINES, came, ms } }
  if (came === LINES) {
    return {
      ...finding,
      verdict: 'ok',
      says: `the I/O thread runs: ${LINES} events from an exporter over UDP to a collector in ${ms.toFixed(0)} ms`,
    }
  }
  return {
    ...finding,
    verdict: 'problem',
    says: `of ${LINES} events over UDP on loopback ${came} came`,
    means: 'Something on this machine takes datagrams away: nothing was in a hurry here.',
    change: 'look at the firewall rules for lo: nft list ruleset, iptables -L -v',
  }
}

async function sendLines(port: number): Promise<void> {
  const exporter = await UdpExporter.open({ host: '127.0.0.1', port, metadata: false, heartbeatMs: false })
  try {
    for (let i = 0; i < LINES; i++) exporter.encode({ event: 'doctor', i })
    await exporter.flush({ timeoutMs: PATIENCE_MS })
  } finally {
    await exporter.close()
  }
}

function patience(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref())
}
