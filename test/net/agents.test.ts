import { UdpExporter } from 'spillway/udp'
import { expect, it, onTestFinished } from 'vitest'
import type { PresetName } from '../../src/net/presets.ts'
import { Agent, type AgentName, kinds } from './agents/agent.ts'
import { describeWith } from './programs/program.ts'

// Agents that people run, with the configurations of docs/agents.md.

/** About as long as a process event is; with what agents have been seen to change. */
function eventAt(i: number): Record<string, unknown> {
  return {
    event: 'process_exec',
    i,
    binary: '/usr/bin/curl',
    args: [
      '-H',
      'x: "%rawmsg%" \\ $MESSAGE',
      '\ttab, é, 日本, 🦉, <13>Nov 25 00:00:00 host tag: text\nsecond',
    ],
    padding: '#'.repeat(i % 97),
  }
}

async function open(preset: PresetName, port: number, options: object = {}): Promise<UdpExporter> {
  const exporter = await UdpExporter.open({ host: '127.0.0.1', port, preset, ...options })
  onTestFinished(() => exporter.close())
  return exporter
}

/** No more at a time than the smallest buffer takes that an agent may be given, and then what it has written is looked at. */
const AT_A_TIME = 500

async function expectAllWhole(agent: Agent, exporter: UdpExporter, count: number): Promise<void> {
  const wanted = Array.from({ length: count }, (_, i) => JSON.stringify(eventAt(i)))
  for (let from = 0; from < count; from += AT_A_TIME) {
    for (const line of wanted.slice(from, from + AT_A_TIME)) exporter.write(line)
    await exporter.flush()
    await agent.has(Math.min(from + AT_A_TIME, count) + 1)
  }
  expect(exporter.stats()).toMatchObject({ sent: count, dropped: 0 })
  expect(agent.kernelDrops).toBe(0)
  // The datagram with the metadata, the exporter's first, and the events; several sockets keep no order.
  const lines = await agent.lines(count + 1)
  const [metadata, ...events] = lines.sort((a, b) => indexOf(a) - indexOf(b))
  expect(JSON.parse(metadata!)).toMatchObject({ event: 'agent_init' })
  expect(events.length).toBe(count)
  // Not one big comparison: when it fails it is to be read.
  expect(events.findIndex((line, i) => line !== wanted[i])).toBe(-1)
  expect(exporter.stats().datagrams).toBeLessThan(count / 3)
}

function indexOf(line: string): number {
  return Number(/"i":(\d+),/.exec(line)?.[1] ?? -1)
}

for (const name of Object.keys(kinds) as AgentName[]) {
  describeWith([kinds[name].program], `${name}, as docs/agents.md sets it up`, () => {
    it('has 50,000 lines, several in a datagram, each whole', async () => {
      const agent = await Agent.start(name)
      await expectAllWhole(agent, await open(name, agent.port), 50_000)
    })

    it('has them from datagrams of 60 kB', async () => {
      const agent = await Agent.start(name)
      const exporter = await open(name, agent.port, { maxDatagramBytes: 60_000 })
      await expectAllWhole(agent, exporter, 20_000)
      expect(exporter.stats().datagrams).toBeLessThan(20_000 / 50)
    })

    it('has a single line of 60 kB, and one that begins as syslog does', async () => {
      const agent = await Agent.start(name)
      const exporter = await open(name, agent.port, { maxDatagramBytes: 60_000, metadata: false })
      const lines = [`{"text":"${'é'.repeat(29_900)}"}`, '<34>1 2026-11-25T00:00:00Z host app - - - text']
      for (const line of lines) {
        exporter.write(line)
        await exporter.flush()
      }
      const got = await agent.lines(2)
      expect(got.sort()).toEqual([...lines].sort())
    })
  })
}

describeWith([kinds.rsyslog.program], 'rsyslog without one of its settings', () => {
  it.each([
    ['parser.escapeControlCharactersOnReceive="off"', /^\{.*\}#012\{.*\}/],
    ['maxMessageSize="64k"', /^\{.*[^}]$/],
  ])('changes what comes: %s', async (setting, changed) => {
    const agent = await Agent.start('rsyslog', (configuration) => {
      expect(configuration).toContain(setting)
      return configuration.replace(setting, '')
    })
    const exporter = await open('rsyslog', agent.port, { maxDatagramBytes: 60_000, metadata: false })
    for (let i = 0; i < 100; i++) exporter.write(JSON.stringify(eventAt(i)))
    await exporter.flush()
    const lines = await agent.lines(1)
    expect(lines.some((line) => changed.test(line))).toBe(true)
  })
})

describeWith([kinds['syslog-ng'].program], 'syslog-ng without one of its settings', () => {
  it('takes apart what begins as syslog does: no-parse', async () => {
    const agent = await Agent.start('syslog-ng', (configuration) => {
      expect(configuration).toContain(' flags(no-parse)')
      return configuration.replace(' flags(no-parse)', '')
    })
    const exporter = await open('syslog-ng', agent.port, { metadata: false })
    exporter.write('<34>Nov 25 00:00:00 host app: text')
    await exporter.flush()
    expect(await agent.lines(1)).toEqual(['text'])
  })
})

describeWith([kinds.rsyslog.program], 'what the kernel drops before an agent', () => {
  it('is named when lines are missing', async () => {
    const agent = await Agent.start('rsyslog')
    const exporter = await open('rsyslog', agent.port, { metadata: false })
    agent.pause() // it has no time to read
    const line = 'x'.repeat(1300)
    for (let i = 0; i < 20_000; i++) {
      exporter.write(line)
      if (i % 2000 === 0) await exporter.flush()
    }
    await exporter.flush()
    expect(agent.kernelDrops).toBeGreaterThan(0)
    agent.goOn()
    await expect(agent.has(20_000, 500)).rejects.toThrow(
      / of 20000 lines are there; the kernel dropped [1-9]\d* /,
    )
  })
})
