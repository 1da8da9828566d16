// What a user gets: the tarball, what is in it, and what it does where nothing of the project is.
import { execFile } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build as esbuild } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installed as inCache } from '../../tools/cache.mjs'
import { ensureRuntime } from '../../tools/runtimes.mjs'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const bin = (...path: string[]) => join(root, 'node_modules', ...path)

const ATTW = '0.18.5'
const MiB = 2 ** 20
const MOST = { packed: 1.8 * MiB, unpacked: 6.5 * MiB, coreGzip: 30 * 1024, coreWasm: 24 * 1024 }

let folder: string
let tarball: string
/** As it lies in a user's node_modules. */
let installed: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-package-'))
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: root,
    maxBuffer: 64 * MiB,
  })
  tarball = join(folder, JSON.parse(stdout)[0].filename)
  const project = join(folder, 'project')
  mkdirSync(project)
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'project', private: true, type: 'module' }),
  )
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], { cwd: project })
  installed = join(project, 'node_modules', 'spillway')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const filesOf = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))

const sizesPage = join(root, 'docs', 'packages.md')
const sizesIn = /<!-- sizes -->(.*?)<!-- \/sizes -->/s

/** docs/packages.md tells the sizes, to a tenth; with SPILLWAY_WRITE_SIZES it is told them. */
function holdSizesInDocs({ packed, unpacked, coreGzip, coreWasm }: typeof MOST): void {
  const measured = [packed, unpacked, coreGzip, coreWasm].map((bytes) => Math.round(bytes / 1024))
  const [p, u, core, wasm] = measured
  const line = `Packed ${p} KiB, unpacked ${u} KiB; the core ${core} KiB minified and gzipped, its Wasm included (${wasm} KiB before gzip).`
  const page = readFileSync(sizesPage, 'utf8')
  if (process.env.SPILLWAY_WRITE_SIZES) {
    writeFileSync(sizesPage, page.replace(sizesIn, `<!-- sizes -->${line}<!-- /sizes -->`))
    return
  }
  const told = [...sizesIn.exec(page)![1]!.matchAll(/(\d+) KiB/g)].map(([, kib]) => Number(kib))
  expect(told).toHaveLength(measured.length)
  for (const [i, kib] of told.entries())
    expect(Math.abs(kib / measured[i]! - 1), `docs/packages.md should say: ${line}`).toBeLessThan(0.1)
}

describe('the tarball', () => {
  it('has what is meant to be in it, and nothing else', () => {
    const strange = filesOf(installed).filter(
      (file) =>
        !/^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(file) &&
        !/^dist\/.+\.(js|js\.map|d\.ts|d\.ts\.map|wasm)$/.test(file) &&
        !/^dist\/page\/(index\.html|main\.css|licences\.txt|plants\/list\.json)$/.test(file) &&
        !/^src\/.+\.ts$/.test(file) &&
        !/^assembly\/.+\.(ts|json)$/.test(file),
    )
    expect(strange).toEqual([])
  })

  it('has every file that its exports and its command name, with types beside them', () => {
    const targets = Object.values(manifest.exports).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target as object),
    )
    for (const target of [...targets, ...Object.values(manifest.bin)] as string[])
      expect(statSync(join(installed, target)).isFile(), target).toBe(true)
    const command = join(installed, manifest.bin.spillway)
    expect(readFileSync(command, 'utf8').startsWith('#!/usr/bin/env node\n')).toBe(true)
    expect(statSync(command).mode & 0o111).not.toBe(0)
  })

  it('has the sources that its source maps point to', () => {
    const maps = filesOf(installed).filter((file) => file.endsWith('.map'))
    expect(maps.length).toBeGreaterThan(50)
    for (const map of maps) {
      const { sources } = JSON.parse(readFileSync(join(installed, map), 'utf8'))
      for (const source of sources as string[])
        expect(statSync(join(installed, dirname(map), source)).isFile(), `${map}: ${source}`).toBe(true)
    }
  })

  it('is no larger than it may be', async () => {
    const { outputFiles } = await esbuild({
      stdin: { contents: "export * from 'spillway'", resolveDir: dirname(dirname(installed)) },
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      conditions: ['browser'],
      write: false,
      logLevel: 'silent',
    })
    const sizes = {
      packed: statSync(tarball).size,
      unpacked: filesOf(installed).reduce((sum, file) => sum + statSync(join(installed, file)).size, 0),
      coreGzip: gzipSync(outputFiles[0]!.contents, { level: 9 }).length,
      coreWasm: statSync(join(installed, 'dist/core.wasm')).size,
    }
    console.log(
      Object.entries(sizes)
        .map(([what, bytes]) => `${what} ${(bytes / 1024).toFixed(1)} KiB`)
        .join(', '),
    )
    holdSizesInDocs(sizes)
    for (const [what, most] of Object.entries(MOST))
      expect(sizes[what as keyof typeof MOST], what).toBeLessThanOrEqual(most)
  })

  it('brings nothing along', () => {
    expect(readdirSync(dirname(installed)).filter((name) => !name.startsWith('.'))).toEqual(['spillway'])
  })

  it('publint has nothing to say', async () => {
    await run(process.execPath, [bin('publint', 'src', 'cli.js'), 'run', tarball, '--strict'], { cwd: root })
  })

  it('types are found whoever asks for them', async () => {
    const wasm = Object.keys(manifest.exports).filter((name) => name.endsWith('.wasm'))
    const args = [
      tarball,
      '--profile',
      'esm-only',
      '--no-color',
      '--exclude-entrypoints',
      ...wasm.map((name) => name.slice(2)),
    ]
    // Brings a TypeScript of its own: from npm when it is asked for.
    const modules = inCache('tools', '@arethetypeswrong/cli', ATTW)
    const attw = join(modules, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js')
    const { stdout } = await run(process.execPath, [attw, ...args], { cwd: root, maxBuffer: 16 * MiB })
    expect(stdout.match(/🟢 \(ESM\)/g)!.length).toBeGreaterThan(10) // and it has ended well
  })
})

describe('installed in an empty project', () => {
  const own = { name: 'node', version: process.versions.node, path: process.execPath, args: [] as string[] }
  const newest = () => ensureRuntime('node')
  const targets = [
    { example: 'node', runtime: () => own, title: `Node ${own.version}` },
    { example: 'node', runtime: newest, title: 'the newest Node' },
    { example: 'deno', runtime: () => ensureRuntime('deno'), title: 'Deno' },
    { example: 'bun', runtime: () => ensureRuntime('bun'), title: 'Bun' },
  ]

  it.each(targets)('does its job in $title', async ({ example, runtime }) => {
    const project = dirname(dirname(installed))
    const here = join(project, example)
    cpSync(join(root, 'examples', example), here, { recursive: true })
    const [main] = readdirSync(here).filter((file) => file.startsWith('main.'))
    const { path, args } = runtime()
    const { stdout } = await run(path, [...args, main!], { cwd: here, timeout: 60_000 })
    expect(stdout).toMatch(/lines: ?[1-9]/)
  })

  it('has its command', async () => {
    const project = dirname(dirname(installed))
    const { stdout } = await run('npx', ['--offline', 'spillway', '--version'], { cwd: project })
    expect(stdout.trim()).toBe(manifest.version)
  })

  it('has its simulator', async () => {
    const project = dirname(dirname(installed))
    await run('npx', ['--offline', 'spillway', 'sim', '--out', 'site'], { cwd: project })
    const files = filesOf(join(project, 'site'))
    for (const file of [
      'index.html',
      'main.js',
      'main.css',
      'core.sim.wasm',
      'sockets.sim.wasm',
      'gudp.sim.wasm',
    ])
      expect(files).toContain(file)
  })

  it('says what to install where a library is missing', async () => {
    const project = dirname(dirname(installed))
    const program = `
      import { Collector } from 'spillway/collector'
      import { jetStreamSink } from 'spillway/nats'
      await Collector.open({ sink: jetStreamSink({ stream: 'A' }) }).catch(({ code, message }) => console.log(code, message))`
    writeFileSync(join(project, 'lacks.mjs'), program)
    const { stdout } = await run(process.execPath, ['lacks.mjs'], { cwd: project })
    expect(stdout).toContain('ERR_UNSUPPORTED')
    expect(stdout).toContain('npm install @nats-io/transport-node @nats-io/jetstream')
  })
})

describe('the reference', () => {
  it('is made of every entry', async () => {
    await run(process.execPath, [join(root, 'tools', 'api-docs.mjs')], { cwd: root, maxBuffer: 16 * MiB })
    const index = readFileSync(join(root, 'build', 'api', 'index.html'), 'utf8')
    for (const word of [
      'UdpExporter',
      'Collector',
      'SocketServer',
      'GudpDaemon',
      'jetStreamSink',
      'prometheusText',
    ])
      expect(
        filesOf(join(root, 'build', 'api')).some((file) => file.includes(word)),
        word,
      ).toBe(true)
    expect(index).toContain('spillway')
  })
})

describe('JSR', () => {
  const jsr = JSON.parse(readFileSync(join(root, 'jsr.json'), 'utf8'))

  it('has the version of the package, and its entries but those that adapt to libraries of npm', () => {
    expect(jsr.version).toBe(manifest.version)
    const { '.': _, ...own } = jsr.exports
    for (const [name, source] of Object.entries(own)) {
      const { default: target } = manifest.exports[name] as { default: string }
      expect(source).toBe(target.replace('./dist/', './src/').replace(/\.js$/, '.ts'))
    }
  })

  it('would be taken', async () => {
    const { path } = ensureRuntime('deno')
    const args = ['publish', '--dry-run', '--allow-dirty']
    const { stderr, stdout } = await run(path, args, { cwd: root, maxBuffer: 16 * MiB })
    expect(stdout + stderr).toContain('Dry run complete')
    for (const made of [
      'wasm-bytes.ts',
      'sockets-wasm-bytes.ts',
      'gudp-wasm-bytes.ts',
      'io-worker-source.ts',
    ])
      expect(stdout + stderr).toContain(made)
  })
})
