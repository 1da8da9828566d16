// Agents that nobody here wrote, with the configurations of docs/agents.md: every line whole, many in a datagram, and datagrams of 60 kB.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type PresetName, UdpExporter } from 'spillway/udp'
import { expect, it, onTestFinished } from 'vitest'
import { presets } from '../../src/net/presets.ts'
import { until } from '../support/harness.ts'
import { describeWith, freePort, Program } from './programs/program.ts'

const page = readFileSync(fileURLToPath(new URL('../../docs/agents.md', import.meta.url)), 'utf8')

/** The configuration in the page, with another port and another file. */
function configuration(language: string, port: number, file: string): string {
  const [, text] = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)!
  const changed = text!.replace(/5514/, String(port)).replace('/var/log/spillway.ndjson', file)
  expect(changed).not.toContain('/var/log')
  return changed
}

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'spillway-agent-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }))
  return dir
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

/** An agent works the more slowly the less of the machine it gets: so much may be ahead of it, which the kernel keeps for it. */
const AHEAD_BYTES = 50_000

async function expectAllLines(
  preset: PresetName,
  port: number,
  file: string,
  lines: number,
  pad: number,
  options = {},
) {
  const exporter = await UdpExporter.open({ host: '127.0.0.1', port, preset, metadata: false, ...options })
  onTestFinished(() => exporter.close())
  const sent: string[] = []
  let bytes = 0
  for (let i = 0; i < lines; i++) {
    const line = JSON.stringify({ event: 'process_exec', i, text: 'ü€😀"\\', pad: 'x'.repeat(i % pad) })
    expect(exporter.write(line)).toBe(true)
    sent.push(line)
    bytes += Buffer.byteLength(line) + 1
    if (bytes - sizeOf(file) < AHEAD_BYTES) continue
    await exporter.flush()
    await until(() => bytes - sizeOf(file) < AHEAD_BYTES, `${file} has grown`, 20_000)
  }
  await exporter.flush()
  await until(() => sizeOf(file) >= bytes, 'all is in the file', 20_000)
  expect(exporter.stats()).toMatchObject({ sent: lines, dropped: 0 })
  expect(readFileSync(file, 'utf8')).toBe(`${sent.join('\n')}\n`)
}

interface Agent {
  readonly preset: PresetName
  readonly program: string
  /** In front of the configuration: what it says of itself goes to that file. */
  more(log: string): string
  args(config: string, dir: string): readonly string[]
  readonly ready: RegExp
}

const agents: readonly Agent[] = [
  {
    preset: 'rsyslog',
    program: 'rsyslogd',
    // What it says of itself, among which that it has started, goes where all goes that has no ruleset.
    more: (log) => `global(processInternalMessages="on")\naction(type="omfile" file="${log}")`,
    args: (config, dir) => ['-n', '-f', config, '-i', join(dir, 'pid')],
    ready: /\[origin software="rsyslogd".*\] start/,
  },
  {
    preset: 'syslog-ng',
    program: 'syslog-ng',
    more: (log) =>
      `@version: 3.38\nsource s_internal { internal(); }; destination d_internal { file("${log}"); };
log { source(s_internal); destination(d_internal); };`,
    args: (config, dir) => [
      ...['-F', '--no-caps', '-f', config],
      ...[`--persist-file=${dir}/persist`, `--pidfile=${dir}/pid`, `--control=${dir}/control`],
    ],
    ready: /syslog-ng starting up/,
  },
]

for (const { preset, program, more, args, ready } of agents) {
  describeWith([program], preset, () => {
    async function start() {
      const dir = folder()
      const file = join(dir, 'lines.ndjson')
      const config = join(dir, 'agent.conf')
      const log = join(dir, 'agent.log')
      const port = await freePort()
      writeFileSync(config, `${more(log)}\n${configuration(preset, port, file)}`)
      const agent = new Program(program, args(config, dir))
      const hasStarted = () => sizeOf(log) > 0 && ready.test(readFileSync(log, 'utf8'))
      await until(hasStarted, `${program} has started ${agent.stderr}`, 20_000)
      return { port, file }
    }

    it('has 50,000 lines, many in a datagram', async () => {
      const { port, file } = await start()
      await expectAllLines(preset, port, file, 50_000, 100)
    })

    it('has lines of up to 20 kB in datagrams of 60 kB', async () => {
      const { port, file } = await start()
      await expectAllLines(preset, port, file, 300, 20_000, { maxDatagramBytes: 60_000 })
    })
  })
}

it('every preset is in the page, and every one that it names is there', () => {
  const named = new Set([...page.matchAll(/`'([a-z-]+)'`/g)].map(([, name]) => name!))
  const ours = new Set(['seed', 'jumbo', 'loopback']) // for no agent
  expect([...named].sort()).toEqual(
    Object.keys(presets)
      .filter((name) => !ours.has(name))
      .sort(),
  )
})
