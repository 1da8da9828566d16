// Where the runtime permits no sockets: whoever opens one is told so, and which permission to give, and no thread dies of it.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ensureRuntime } from '../../tools/runtimes.mjs'
import { leftOut } from './left-out.ts'

const source = `
import { Collector } from 'spillway/collector'
import { GudpDaemon } from 'spillway/gudp'
import { serveMetrics } from 'spillway/prometheus'
import { SocketClient, SocketServer } from 'spillway/sockets'
import { UdpExporter } from 'spillway/udp'

const here = { host: '127.0.0.1', port: 9 }
const daemon = await GudpDaemon.start()
const server = await SocketServer.start()
const client = SocketClient.init(server.handle)
const calls = {
  exporter: () => UdpExporter.open(here),
  'exporter of a name': () => UdpExporter.open({ ...here, host: 'localhost' }),
  'exporter over gudp': () => UdpExporter.open({ ...here, transport: 'gudp' }),
  collector: () => Collector.open({ sink() {} }),
  'collector over gudp': () => Collector.open({ transport: 'gudp', sink() {} }),
  'gudp listen': () => daemon.listen({ port: 0, onConnection() {} }),
  'gudp connect': () => daemon.connect({ ...here, connectTimeoutMs: 300 }),
  'udp socket': () => client.socket('udp4').bind(0, '127.0.0.1'),
  'tcp connect': () => client.socket('tcp4').connect(9, '127.0.0.1'),
  'tcp listen': () => client.socket('tcp4').listen(),
  metrics: () => serveMetrics({ things: [], port: 0 }),
}
const told = {}
for (const [what, call] of Object.entries(calls)) {
  told[what] = await call().then(() => ({ code: 'none' }), ({ name, code, message }) => ({ name, code, message }))
}
await daemon.stop()
await server.stop()
console.log(JSON.stringify(told))
process.exit() // what did open would keep it
`

// Inside the repository, where `spillway` is this package.
const folder = fileURLToPath(new URL('../../.cache/permissions', import.meta.url))
const program = join(folder, 'program.mjs')

function run(path: string, ...args: string[]) {
  return runWith('', path, ...args)
}

function runWith(NODE_OPTIONS: string, path: string, ...args: string[]) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(program, source)
  const env = { ...process.env, NODE_OPTIONS }
  const { stdout, stderr } = spawnSync(path, [...args, program], { encoding: 'utf8', env, timeout: 60_000 })
  return { told: JSON.parse(stdout || '{}') as Record<string, { code: string; message: string }>, stderr }
}

describe.skipIf(leftOut.includes('deno'))('Deno without --allow-net', () => {
  const rights = ['run', '--no-prompt', '--no-lock', '--allow-read', '--allow-env', '--allow-sys']

  test('every opening rejects with what to permit', () => {
    const { told, stderr } = run(ensureRuntime('deno').path, ...rights)
    expect(stderr).not.toContain('NotCapable')
    expect(Object.keys(told)).toHaveLength(11)
    for (const [what, { code, message }] of Object.entries(told)) {
      expect(code, what).toBe('EACCES')
      expect(message, what).toContain('--allow-net')
    }
    expect(told.exporter!.message).toContain('--allow-net=0.0.0.0:0,127.0.0.1:9')
  })

  test('of what is no host it says so, and speaks of no permission', () => {
    mkdirSync(folder, { recursive: true })
    const noHost = join(folder, 'no-host.mjs')
    writeFileSync(
      noHost,
      `import { serveMetrics } from 'spillway/prometheus'
      await serveMetrics({ things: [], port: 0, host: 'a b' }).catch(({ code }) => console.log(code))`,
    )
    const { stdout } = spawnSync(ensureRuntime('deno').path, [...rights, noHost], { encoding: 'utf8' })
    expect(stdout).toBe('ERR_UNRESOLVED\n')
  })

  test('with what the message asks for, it opens', () => {
    const { told } = run(ensureRuntime('deno').path, ...rights, '--allow-net=0.0.0.0:0,127.0.0.1:9')
    expect(told.exporter!.code).toBe('none')
    expect(told.collector!.code).toBe('EACCES')
  })
})

describe.skipIf(leftOut.includes('node'))('Node under --permission', () => {
  test('without --allow-net every opening rejects with what to permit', () => {
    const { told, stderr } = run(
      ensureRuntime('node').path,
      '--permission',
      '--allow-fs-read=*',
      '--allow-worker',
    )
    expect(stderr).not.toContain('ERR_ACCESS_DENIED')
    for (const [what, { code, message }] of Object.entries(told)) {
      expect(code, what).toBe('EACCES')
      expect(message, what).toContain('--allow-net')
    }
    expect(Object.keys(told)).toHaveLength(11)
  })

  const rights = ['--permission', '--allow-fs-read', '*', '--allow-worker', '--allow-net']

  const preload = join(folder, 'preload.mjs')

  test.each([
    ['by the command line', '', [...rights, '--import', preload]],
    ['by the command line, with rights of NODE_OPTIONS', rights.join(' '), ['--import', preload]],
    ['by NODE_OPTIONS', `--import "${preload}" ${rights.join(' ')}`, []],
    ['by NODE_OPTIONS, where nothing is forbidden', `--import "${preload}"`, []],
  ])('what is preloaded %s is so for the program alone', (_, options, args) => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(preload, "import { writeSync } from 'node:fs'; writeSync(2, 'preloaded\\n')")
    const { told, stderr } = runWith(options, ensureRuntime('node').path, ...args)
    expect(told).toMatchObject({ exporter: { code: 'none' }, collector: { code: 'none' } })
    expect(stderr.match(/^preloaded$/gm)).toHaveLength(1)
  })

  test('where it is only told what would be forbidden, it opens', () => {
    const { told } = run(ensureRuntime('node').path, '--permission-audit')
    expect(told).toMatchObject({ exporter: { code: 'none' }, collector: { code: 'none' } })
  })

  test('the permissions of a NODE_OPTIONS hold in the I/O thread, too', () => {
    const { told } = runWith('--permission --allow-fs-read=* --allow-worker', ensureRuntime('node').path)
    expect(told.exporter).toMatchObject({ code: 'EACCES' })
  })

  test('without --allow-worker there is no I/O thread', () => {
    const { stderr } = run(ensureRuntime('node').path, '--permission', '--allow-fs-read=*')
    expect(stderr).toContain('run it with --allow-worker')
    expect(stderr).toContain('SpillwayError')
  })
})
