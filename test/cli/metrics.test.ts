// --metrics: the figures of the real commands over HTTP.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { metricValue, parsePrometheus } from '../support/prometheus-parser.ts'
import { collecting, lastRecord, RunningCommand, run } from './support/command.ts'

const said = /"kind":"metrics","url":"([^"]+)"/

async function scrape(url: string) {
  const response = await fetch(new URL('/metrics', url))
  expect(response.status).toBe(200)
  return parsePrometheus(await response.text())
}

describe('--metrics', () => {
  it('tells of collect what its ledger tells', async () => {
    const { command, port } = await collecting('--metrics', '0')
    const [, url] = await command.says(said)
    const sent = await run(['send', '--no-metadata', '--json', `127.0.0.1:${port}`], 'a\nb\nc\n')
    expect(sent.code).toBe(0)
    // The lines are acknowledged by nobody: they are there when they are there.
    let families = await scrape(url!)
    while (metricValue(families, 'spillway_sink_handed_lines_total', { sink: 'stdout' }) < 3)
      families = await scrape(url!)
    expect(metricValue(families, 'spillway_received_lines_total')).toBe(3)
    const { source } = lastRecord(sent.stderr) as unknown as { source: string }
    const { series } = families.get('spillway_source_received_lines_total')!
    expect(series.map(({ labels }) => labels.source)).toContain(source)
    expect((await fetch(new URL('/healthz', url))).status).toBe(200)
    const { things } = (await (await fetch(new URL('/stats.json', url))).json()) as {
      things: { stats: { totals: { received: number } } }[]
    }
    expect(things[0]!.stats.totals.received).toBe(3)
    // A reader that holds its connection open holds up nothing.
    const idle = connect(Number(new URL(url!).port), '127.0.0.1')
    idle.on('error', () => {})
    await once(idle, 'connect')
    command.child.kill('SIGTERM')
    expect((await command.ended).code).toBe(143)
    idle.destroy()
  })

  it('tells of send what its ledger tells', async () => {
    const { command, port } = await collecting()
    const sender = new RunningCommand([
      'send',
      '--no-metadata',
      '--json',
      '--metrics',
      '0',
      `127.0.0.1:${port}`,
    ])
    const [, url] = await sender.says(said)
    sender.child.stdin!.write('a\nb\n')
    await sender.says(/"kind":"stats".*"sent":2/)
    expect(metricValue(await scrape(url!), 'spillway_events_sent_total')).toBe(2)
    sender.child.stdin!.end()
    expect((await sender.ended).code).toBe(0)
    await command.kill('SIGTERM')
  })

  it('says where it is, for people', async () => {
    const { code, stderr } = await run(['collect', '--port', '0', '--for', '0.1', '--metrics', '127.0.0.1:0'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^listening on .*\nmetrics at http:\/\/127\.0\.0\.1:\d+\/metrics\n/)
  })

  it('ends the command at once where the port is taken, and says what to do', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    for (const args of [
      ['collect', '--port', '0', '--metrics', String(port)],
      ['collect', '--port', '0', '--metrics', '0', '--ui', String(port)],
      ['send', '127.0.0.1:9', '--metrics', String(port)],
    ]) {
      const { code, stderr } = await run(args)
      expect(code).toBe(3)
      expect(stderr).toBe(
        `spillway ${args[0]}: cannot serve at 127.0.0.1:${port}: another program listens there: stop it, or choose another port (0: the system chooses)\n`,
      )
    }
    taken.close()
  })
})
