import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { openExporter, openReceiver } from '../support/exporters.ts'

const udp = new URL('../../dist/node/udp.js', import.meta.url).href

/** Runs a module in a process of its own, with `UdpExporter` and `port` at hand, and answers its exit code and what it printed. */
async function run(body: string, port: number): Promise<{ code: number; output: string }> {
  const script = `
    import { UdpExporter } from ${JSON.stringify(udp)}
    const port = Number(process.argv[1])
    ${body}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, '--', String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output, [code]] = await Promise.all([text(child.stdout!), once(child, 'exit')])
  return { code, output }
}

describe('an exporter with nothing to do', () => {
  it('has no timer in the thread that opened it, and uses no processor', async () => {
    const SECONDS = 2
    const to = await openReceiver()
    const { code, output } = await run(
      `
      const exporter = await UdpExporter.open({ host: '127.0.0.1', port, heartbeatMs: 50 })
      for (let i = 0; i < 1000; i++) exporter.encode({ i })
      await exporter.flush()
      await new Promise((resolve) => setTimeout(resolve, 200)) // the last heartbeat, and what the runtime does after its start
      const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
      const before = process.cpuUsage()
      await new Promise((resolve) => setTimeout(resolve, ${SECONDS} * 1000))
      const { user, system } = process.cpuUsage(before)
      console.log(JSON.stringify({ timers, cpuMs: (user + system) / 1000, heartbeats: exporter.stats().heartbeats }))
      await exporter.close()`,
      to.port,
    )
    expect(code).toBe(0)
    const { timers, cpuMs, heartbeats } = JSON.parse(output)
    console.log(`idle for ${SECONDS} s: ${cpuMs.toFixed(1)} ms of processor time in all threads`)
    expect(timers).toBe(0)
    expect(heartbeats).toBe(2) // the first, and the one that tells of the events
    expect(cpuMs).toBeLessThan(20 * SECONDS)
  })

  it('is awake soon after an event: at the receiver within milliseconds', async () => {
    const to = await openReceiver()
    const exporter = await openExporter({ port: to.port, maxDelayMs: 0 })
    const tookMs: number[] = []
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20)) // fast asleep
      const began = performance.now()
      exporter.encode({ i })
      await to.hasDatagrams(i + 1)
      tookMs.push(performance.now() - began)
    }
    tookMs.sort((a, b) => a - b)
    const [median, worst] = [tookMs[10]!, tookMs.at(-1)!]
    console.log(
      `from encode to the receiver: ${median.toFixed(2)} ms in the middle, ${worst.toFixed(2)} ms at worst`,
    )
    expect(median).toBeLessThan(50)
  })

  it('lets the process end by itself, and has sent everything by then', async () => {
    const to = await openReceiver()
    const { code } = await run(
      `
      const exporter = await UdpExporter.open({ host: '127.0.0.1', port, metadata: false })
      for (let i = 0; i < 100; i++) exporter.encode({ i })
      await exporter.flush()`,
      to.port,
    )
    expect(code).toBe(0)
    await to.hasLines(101) // and the first heartbeat
  })

  it("lets it end with a user's own pool, too, whose sockets are in the program's thread", async () => {
    const to = await openReceiver()
    const began = performance.now()
    const { code } = await run(
      `
      const pool = (context) => {
        let flow
        context.connect().then((socket) => { flow = context.flow(socket); context.onReady() })
        const counts = { hits: 0, misses: 0, replaced: 0, size: 1 }
        return { counts, acquire: () => flow, report() {}, flows: () => (flow ? [flow] : []), close: () => flow?.socket.close() }
      }
      const exporter = await UdpExporter.open({ host: '127.0.0.1', port, metadata: false, heartbeatMs: false, pool })
      for (let i = 0; i < 100; i++) exporter.encode({ i })`,
      to.port,
    )
    expect(code).toBe(0)
    await to.hasLines(100)
    expect(performance.now() - began).toBeLessThan(5000)
  })
})
