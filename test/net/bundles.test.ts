// Users' bundlers carry the whole package along: what they make runs where there is nothing beside it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build as esbuild } from 'esbuild'
import { build as vite } from 'vite'
import { afterEach, describe, expect, test } from 'vitest'
import { webpack } from 'webpack'
import { allReceived } from '../support/all-received.ts'
import { UdpReceiver } from '../support/udp-receiver.ts'

/** Below build/test, where 'spillway' is found as an installed package is. */
const sources = fileURLToPath(new URL('../../build/test/bundles', import.meta.url))

const cleanups: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Bundles `source` to `outDir/fileName`. */
type Bundler = (source: string, outDir: string, fileName: string) => Promise<unknown>

const byEsbuild =
  (options: object): Bundler =>
  async (source, outDir, fileName) => {
    const outfile = join(outDir, fileName)
    const { warnings } = await esbuild({
      entryPoints: [source],
      outfile,
      bundle: true,
      platform: 'node',
      logLevel: 'silent',
      ...options,
    })
    expect(warnings, 'every user would get them').toEqual([])
  }

const byVite =
  (minify: boolean): Bundler =>
  (source, outDir, fileName) =>
    vite({
      configFile: false,
      logLevel: 'error',
      root: sources,
      ssr: { noExternal: true }, // as for every package that is to be inside
      build: { ssr: source, minify, outDir, rollupOptions: { output: { entryFileNames: fileName } } },
    })

const byWebpack =
  (mode: 'development' | 'production'): Bundler =>
  async (source, outDir, fileName) => {
    const isModule = fileName.endsWith('.mjs')
    const compiler = webpack({
      mode,
      devtool: false,
      context: sources,
      entry: source,
      target: 'node20',
      output: {
        path: outDir,
        filename: fileName,
        module: isModule,
        chunkFormat: isModule ? 'module' : 'commonjs',
      },
      experiments: { outputModule: isModule },
      // A module that asks where it is means the bundle, not where its source once lay.
      module: { parser: { javascript: { importMeta: false } } },
    })!
    const stats = await promisify(compiler.run.bind(compiler))()
    await promisify(compiler.close.bind(compiler))()
    const { errors, warnings } = stats!.toJson({ all: false, errors: true, warnings: true })
    expect({ errors, warnings }, 'every user would get them').toEqual({ errors: [], warnings: [] })
  }

const opening = `UdpExporter.open({ host: '127.0.0.1', port: Number(process.argv[2]), heartbeatMs: false, metadata: false })`

const threeLines = `
const e = await ${opening}
e.encode({ hello: 'world' })
await e.close()`

const module = `import { UdpExporter } from 'spillway/udp'${threeLines}`
/** For a format that has no await at top level. */
const script = `import { UdpExporter } from 'spillway/udp'; (async () => {${threeLines} })()`

const ways: [way: string, source: string, fileName: string, Bundler][] = [
  ['esbuild, esm', module, 'program.mjs', byEsbuild({ format: 'esm' })],
  ['esbuild, esm, minified', module, 'program.mjs', byEsbuild({ format: 'esm', minify: true })],
  ['esbuild, cjs', script, 'program.cjs', byEsbuild({ format: 'cjs' })],
  ['vite --ssr', module, 'program.mjs', byVite(false)],
  ['vite --ssr, minified', module, 'program.mjs', byVite(true)],
  ['webpack, esm', module, 'program.mjs', byWebpack('development')],
  ['webpack, esm, minified', module, 'program.mjs', byWebpack('production')],
  ['webpack, cjs', script, 'program.cjs', byWebpack('production')],
]

/** The only writer that may be there dies. Whoever hears of it may write in its place; else that is ERR_TOO_MANY_WRITERS. */
const succession = `
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { UdpExporter } from 'spillway/udp'
if (isMainThread) {
  const e = await ${opening.replace('{', '{ maxWriters: 1,')}
  const worker = new Worker(new URL(import.meta.url), { workerData: e.handle })
  await new Promise((resolve) => worker.once('message', resolve))
  await worker.terminate()
  await e.flush()
  e.write('second')
  await e.close()
} else {
  UdpExporter.from(workerData).write('first')
  parentPort.postMessage('written')
  setInterval(() => {}, 1000)
}`

/** Two Wasm modules, and the server's thread. */
const conversation = `
import { SocketClient, SocketServer } from 'spillway/sockets'
const server = await SocketServer.start()
const client = SocketClient.init(server.handle)
client.socket('udp4').sendToSync('by a socket\\n', { host: '127.0.0.1', port: Number(process.argv[2]) })
client.close()
await server.stop()`

describe('a bundle with nothing beside it', () => {
  test.each(ways)('made by %s sends', async (_, source, fileName, bundle) => {
    const folder = await bundled(source, fileName, bundle)
    expect(readdirSync(folder)).toEqual([fileName])
    expect(await run(join(folder, fileName))).toEqual({ lines: ['{"hello":"world"}'], output: '' })
  })

  test.each(ways.filter(([, source]) => source === module))(
    'made by %s has sockets',
    async (_way, _source, fileName, bundle) => {
      const folder = await bundled(conversation, fileName, bundle)
      expect(await run(join(folder, fileName))).toEqual({ lines: ['by a socket'], output: '' })
    },
  )

  test.each(ways.filter(([, source]) => source === module))(
    'made by %s hears of threads that die',
    async (_way, _source, fileName, bundle) => {
      const folder = await bundled(succession, fileName, bundle)
      expect(await run(join(folder, fileName))).toEqual({ lines: ['first', 'second'], output: '' })
    },
  )
})

describe('instead of what is built in', () => {
  test('the I/O thread may be a file: the one of the package, or one that adds to it', async () => {
    const own = written(
      'own-io-worker.mjs',
      `import 'spillway/io-worker'; import { writeSync } from 'node:fs'; writeSync(1, 'mine')`,
    )
    for (const [url, says] of [
      ['import.meta.resolve("spillway/io-worker")', ''],
      [JSON.stringify(pathToFileURL(own)), 'mine'],
    ] as const) {
      const program = written(
        'own-thread.mjs',
        `
import { IoThread, UdpExporter } from 'spillway/udp'
const ioThread = IoThread.start({ url: ${url} })
const e = await ${opening.replace('{', '{ ioThread,')}
e.write('by a worker from a file')
await e.close()
await ioThread.stop()`,
      )
      expect(await run(program)).toEqual({ lines: ['by a worker from a file'], output: says })
    }
  })

  test.each(['new URL(core)', 'core', 'readFileSync(new URL(core))'])('the core may be %s', async (wasm) => {
    const program = written(
      'own-core.mjs',
      `
import { readFileSync } from 'node:fs'
import { configure } from 'spillway'
import { UdpExporter } from 'spillway/udp'
const core = import.meta.resolve('spillway/core.wasm')
await configure({ wasm: core + '.not-there' }).catch(({ code }) => console.log(code))
await configure({ wasm: ${wasm} })
${threeLines}`,
    )
    expect(await run(program)).toEqual({ lines: ['{"hello":"world"}'], output: 'ERR_INVALID_ARGUMENT' })
  })
})

/** Below build/test/bundles. */
function written(fileName: string, source: string): string {
  const file = join(sources, fileName)
  mkdirSync(sources, { recursive: true })
  writeFileSync(file, source)
  return file
}

/** In an empty folder of its own. */
async function bundled(source: string, fileName: string, bundle: Bundler): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-bundle-'))
  cleanups.push(() => rmSync(folder, { recursive: true }))
  await bundle(written('source.mjs', source), folder, fileName)
  return folder
}

/** What the program sent, and what it printed. It must end by itself, and well. */
async function run(program: string): Promise<{ lines: string[]; output: string }> {
  const to = await UdpReceiver.open()
  cleanups.push(() => to.close())
  const child = spawn(process.execPath, [program, `${to.port}`], {
    cwd: dirname(program),
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 15_000,
    killSignal: 'SIGKILL',
  })
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  expect({ code: child.exitCode, signal: child.signalCode }, errors.slice(-1000)).toEqual({
    code: 0,
    signal: null,
  })
  await allReceived(to)
  return { lines: to.lines(), output: output.trim() }
}
