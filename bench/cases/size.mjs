// P16: what it weighs, at rest and filled.
import { readdirSync, readFileSync } from 'node:fs'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { OneToOne } from 'spillway'
import { makeRecord } from '../support/records.mjs'

const root = new URL('../../', import.meta.url)
const SIZES = [64, 256]
const CAPACITIES = [1024, 65536]

export const variants = { bundle }

for (const bytes of SIZES) {
  for (const capacity of CAPACITIES) variants[`memory-${bytes}-${capacity}`] = () => filled(capacity, bytes)
}

/** What a user's bundler makes of `export * from 'spillway'`, Wasm inlined. */
async function bundle() {
  const { outputFiles } = await build({
    stdin: { contents: "export * from 'spillway'", resolveDir: new URL('.', root).pathname },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    write: false,
  })
  const code = outputFiles[0].contents
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(new URL('package.json', root)),
  )
  return {
    wasmKiB: readFileSync(new URL('dist/core.wasm', root)).length / 1024,
    gzipKiB: gzipSync(code, { level: 9 }).length / 1024,
    brotliKiB: brotliCompressSync(code).length / 1024,
    dependencies: Object.keys(dependencies).length + Object.keys(optionalDependencies).length,
    files: readdirSync(new URL('dist', root)).length,
  }
}

/** A ring, full: bytes a record beyond its payload, in address space and in memory touched. */
function filled(capacity, bytes) {
  const small = new OneToOne(1) // the region, the thread's scratch
  small.set('x')
  const record = makeRecord(bytes)
  const before = { rss: process.memoryUsage.rss(), shared: small.handle.memory.buffer.byteLength }
  const ring = new OneToOne(capacity, null, { recordBytes: bytes })
  for (let i = 0; i < capacity; i++) ring.set(record)
  const { depth } = ring.stats()
  if (depth !== capacity) throw new Error(`${depth} of ${capacity} records are in the ring`)
  const shared = ring.handle.memory.buffer.byteLength - before.shared
  const rss = Math.max(0, process.memoryUsage.rss() - before.rss) // the process may have given back more than the ring took
  return {
    sharedPerRecord: shared / capacity,
    rssPerRecord: rss / capacity,
    overhead: shared / capacity / bytes,
  }
}
