// Builds everything that ships: assembly/ -> build/*.wasm -> src/core/wasm-bytes.ts -> dist/.
// `--if-stale` leaves out what has not changed since the last build.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build as esbuild } from 'esbuild'
import { modules } from './modules.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const at = (...path) => join(root, ...path)
const ifStale = process.argv.includes('--if-stale')
const stampPath = at('build', 'stamp.json')
const started = performance.now()

/** Each module as it ships, inlined in a file of its own, and with names for the model checker. */
const wasmModules = Object.entries(modules).map(([name, { entry, names, inlined }]) => ({
  entry,
  names,
  inlined: at(inlined),
  outputs: { release: at('build', `${name}.wasm`), model: at('build', `${name}.model.wasm`) },
}))
const ioWorker = at('src', 'node', 'io-worker.ts')
const ioWorkerSource = at('src', 'node', 'io-worker-source.ts')
/** The page of `spillway collect --ui`. */
const ui = {
  script: at('web', 'ui', 'main.ts'),
  style: at('web', 'ui', 'style.css'),
  page: at('web', 'ui', 'index.html'),
}
const uiSource = at('src', 'cli', 'ui-source.ts')
/** The simulator: its page, and the instrumented modules that it steps. */
const simulator = {
  script: at('web', 'sim', 'main.ts'),
  worker: at('web', 'sim', 'check-worker.ts'),
  style: at('web', 'sim', 'main.css'),
  page: at('web', 'sim', 'index.html'),
}
const simulatorModules = at('build', 'page')
const dist = at('dist')
/** As deep as dist itself: source maps have relative paths. */
const nextDist = at('.dist-next')

const writingSections = { data: 11, start: 8 }

await main()

async function main() {
  mkdirSync(at('build'), { recursive: true })
  const stamp = ifStale ? readStamp() : {}
  const did = []

  const wasm = hashOf([
    'assembly',
    'asconfig.json',
    'tools/build.mjs',
    'tools/modules.mjs',
    'node_modules/assemblyscript/package.json',
  ])
  const outputs = wasmModules.flatMap((module) => Object.values(module.outputs))
  if (stamp.wasm !== wasm || !outputs.every((path) => existsSync(path))) {
    await Promise.all(
      wasmModules.flatMap((module) => Object.entries(module.outputs).map(compileWasm(module))),
    )
    for (const { outputs } of wasmModules) checkRelease(outputs.release)
    did.push(...outputs)
  }
  for (const { outputs, inlined } of wasmModules)
    writeIfChanged(inlined, wasmModule(readFileSync(outputs.release)))

  const stepped = hashOf([
    'assembly',
    'src/sim',
    'tools/assemble.mjs',
    'tools/page.mjs',
    'tools/plants.mjs',
    'node_modules/binaryen/package.json',
  ])
  const isInstrumented = stamp.wasm === wasm && stamp.stepped === stepped && existsSync(simulatorModules)
  const instrumenting = isInstrumented ? Promise.resolve() : instrumentSimulator()

  const entries = promisedEntries()
  const shell = hashOf([
    'src',
    'web',
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'tools/build.mjs',
    'node_modules/uplot/package.json',
  ])
  const isWhole = existsSync(dist) && entries.every(({ output }) => existsSync(at(output)))
  if (stamp.shell !== shell || did.length > 0 || !isWhole || !isInstrumented) {
    writeStamp({ wasm })
    await Promise.all([inlineIoWorker(), inlineUi()])
    await buildDist(entries, instrumenting)
    did.push(...filesIn(dist).filter((path) => /\.(m?js|wasm)$/.test(path)))
  }

  writeStamp({ wasm, shell, stepped })
  if (did.length === 0) return console.log('build: up to date')
  for (const path of did) console.log(sizeLine(path))
  console.log(`build: ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

// ---- Wasm --------------------------------------------------------------------------------------------

function compileWasm({ entry, names }) {
  return async ([target, output]) => {
    const asc = at('node_modules', 'assemblyscript', 'bin', 'asc.js')
    const outFile = relative(root, output)
    const run = await node([
      asc,
      entry,
      ...(target === 'model' ? [names] : []),
      '--config',
      'asconfig.json',
      '--target',
      target,
      '--outFile',
      outFile,
    ])
    if (run.code !== 0) fail(`asc could not build ${outFile}:\n${run.output}`)
    const notes = run.output.replace(/^Last converge was suboptimal\.\n?/gm, '').trim()
    if (notes) console.log(notes)
  }
}

// Every thread instantiates the module over live memory: a data section or a start function would write into it.
function checkRelease(path) {
  const bytes = readFileSync(path)
  const wasm = relative(root, path)
  const sections = sectionIds(bytes)
  for (const [name, id] of Object.entries(writingSections)) {
    if (sections.includes(id))
      fail(
        `${wasm} has a ${name} section: instantiating it would write over live memory.\n` +
          'Look for a string, a StaticArray, a throw, an assert or a bounds-checked index in assembly/.',
      )
  }
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes)).map(
    (i) => `${i.module}.${i.name}`,
  )
  if (imports.join() !== 'env.memory')
    fail(`${wasm} must import env.memory and nothing else; it imports: ${imports.join(', ') || 'nothing'}`)
}

/** The ids of the sections of a Wasm binary, in their order. */
function sectionIds(bytes) {
  const ids = []
  let position = 8
  while (position < bytes.length) {
    ids.push(bytes[position++])
    let size = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[position++]
      size += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) break
    }
    position += size
  }
  return ids
}

function wasmModule(bytes) {
  const base64 = bytes.toString('base64')
  return `// Made by tools/build.mjs from assembly/; not committed.\nexport const wasmBase64 = '${base64}'\n`
}

/** The I/O thread in one file, as a string: users' bundlers find no worker that they would have to carry along. */
async function inlineIoWorker() {
  // Whoever starts it hands it the compiled core: it needs no copy of its own.
  const withoutWasm = {
    name: 'without-wasm',
    setup({ onLoad }) {
      onLoad({ filter: /wasm-bytes\.ts$/ }, () => ({
        contents: "export const wasmBase64 = ''",
        loader: 'ts',
      }))
    },
  }
  const { outputFiles } = await bundle([ioWorker], {
    minify: true,
    splitting: false,
    sourcemap: false,
    write: false,
    plugins: [withoutWasm],
  })
  const source = JSON.stringify(outputFiles[0].text)
  writeIfChanged(
    ioWorkerSource,
    `// Made by tools/build.mjs from io-worker.ts; not committed.\nexport const ioWorkerSource: string = ${source}\n`,
  )
}

/** The page, its script and its style as strings, the plots with them: nothing is fetched from elsewhere. */
async function inlineUi() {
  const licence = readFileSync(at('node_modules', 'uplot', 'LICENSE'), 'utf8').trim()
  const { outputFiles } = await bundle([ui.script, ui.style], {
    outbase: 'web/ui',
    banner: { js: `/*!\nWith uPlot: ${licence}\n*/` },
    format: 'iife',
    platform: 'browser',
    packages: 'bundle',
    splitting: false,
    minify: true,
    sourcemap: false,
    write: false,
  })
  const text = (ending) => JSON.stringify(outputFiles.find(({ path }) => path.endsWith(ending)).text)
  const page = JSON.stringify(readFileSync(ui.page, 'utf8'))
  writeIfChanged(
    uiSource,
    `// Made by tools/build.mjs from web/ui and web/common; not committed.\nexport const uiScript: string = ${text('.js')}\nexport const uiStyle: string = ${text('.css')}\nexport const uiPage: string = ${page}\n`,
  )
}

// ---- dist --------------------------------------------------------------------------------------------

/** What package.json promises under `exports` and `bin`, and the source each file is made from. */
function promisedEntries() {
  const { exports, bin } = JSON.parse(readFileSync(at('package.json'), 'utf8'))
  const targets = [...Object.values(exports), ...Object.values(bin)].flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  )
  const modules = [...new Set(targets)].filter((target) => /^\.\/dist\/.*\.js$/.test(target))
  return modules.map((output) => ({
    output: output.slice(2),
    source: output.replace('./dist/', 'src/').replace(/\.js$/, '.ts'),
  }))
}

/** Some seconds on one core, while the other makes the declarations. */
async function instrumentSimulator() {
  rmSync(simulatorModules, { recursive: true, force: true })
  const run = await node([at('tools', 'page.mjs'), simulatorModules])
  if (run.code !== 0) fail(`the modules of the simulator could not be instrumented:\n${run.output}`)
}

/** A folder for any file server: all addresses in it are relative. */
async function bundleSimulator() {
  const folder = join(nextDist, 'page')
  await bundle([simulator.script, simulator.worker, simulator.style], {
    outdir: folder,
    outbase: 'web/sim',
    chunkNames: '[name]-[hash]',
    platform: 'browser',
    packages: 'bundle',
    minify: true,
    sourcemap: false,
  })
  cpSync(simulator.page, join(folder, 'index.html'))
  const licence = readFileSync(at('node_modules', 'uplot', 'LICENSE'), 'utf8')
  writeFileSync(join(folder, 'licences.txt'), `The plots are uPlot's:\n\n${licence}`)
}

async function buildDist(entries, instrumenting) {
  const missing = entries.filter(({ source }) => !existsSync(at(source))).map(({ source }) => source)
  rmSync(nextDist, { recursive: true, force: true })
  mkdirSync(nextDist, { recursive: true })
  const sources = entries.map(({ source }) => source).filter((source) => !missing.includes(source))
  const [, types] = await Promise.all([bundle(sources), declarations(), bundleSimulator(), instrumenting])
  cpSync(simulatorModules, join(nextDist, 'page'), { recursive: true })
  for (const { outputs } of wasmModules) cpSync(outputs.release, join(nextDist, basename(outputs.release)))
  // Swapped in one go: nobody finds half a dist, nor a chunk of the build before.
  const previous = at('build', 'dist-previous')
  rmSync(previous, { recursive: true, force: true })
  if (existsSync(dist)) renameSync(dist, previous)
  renameSync(nextDist, dist)
  rmSync(previous, { recursive: true, force: true })
  if (types.code !== 0) fail(`the declarations could not be made (dist has the JavaScript):\n${types.output}`)
  if (missing.length > 0)
    fail(`package.json exports what has no source (dist has the rest): ${missing.join(', ')}`)
}

async function bundle(entryPoints, more = {}) {
  const options = {
    absWorkingDir: root,
    entryPoints,
    outdir: nextDist,
    outbase: 'src',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022', // a newer one emits Uint8Array.fromBase64, which Node 20 does not have
    platform: 'neutral',
    packages: 'external', // the libraries that integrations adapt to: the user's own
    ignoreAnnotations: true, // package.json's `sideEffects` speaks of dist; taken for src it would drop src/node/thread-host.ts
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'silent',
    ...more,
  }
  try {
    return await esbuild(options)
  } catch (error) {
    fail(`esbuild could not bundle src/:\n${error.message}`)
  }
}

function declarations() {
  return node([
    at('node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    'tsconfig.build.json',
    '--outDir',
    nextDist,
  ])
}

// ---- helpers -----------------------------------------------------------------------------------------

function node(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
  })
}

function filesIn(path) {
  if (!existsSync(path)) return []
  const entries = readdirSync(path, { withFileTypes: true, recursive: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  return files.sort()
}

/** One hash over the contents of files and folders. */
function hashOf(paths) {
  const hash = createHash('sha256')
  for (const path of paths) {
    const files = existsSync(at(path)) && !/\.\w+$/.test(path) ? filesIn(at(path)) : [at(path)]
    for (const file of files)
      hash.update(relative(root, file)).update(existsSync(file) ? readFileSync(file) : '-')
  }
  return hash.digest('hex')
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampPath, 'utf8'))
  } catch {
    return {}
  }
}

function writeStamp(stamp) {
  writeFileSync(stampPath, `${JSON.stringify(stamp, null, 2)}\n`)
}

function writeIfChanged(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

function sizeLine(path) {
  const bytes = readFileSync(path)
  const kib = (n) => `${(n / 1024).toFixed(1)} KiB`.padStart(10)
  return `${relative(root, path).padEnd(32)}${kib(bytes.length)}, ${kib(gzipSync(bytes).length).trim()} gzipped`
}

function fail(message) {
  console.error(`build: ${message}`)
  process.exit(1)
}
