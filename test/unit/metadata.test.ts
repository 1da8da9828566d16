import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { brotliDecompressSync, inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { configure } from '../../src/core/load.ts'
import { SharedBytes } from '../../src/core/shared-bytes.ts'
import {
  checkFields,
  EVENT_AGENT_INIT,
  type JsonObject,
  metadataBytes,
  metadataEvent,
  metadataLine,
  OS_LINUX,
  OS_WINDOWS,
  UNKNOWN_HOSTNAME,
  UPTIME_INIT,
} from '../../src/net/metadata.ts'
import { readCompressed } from '../../src/net/wire-lines.ts'
import { MetadataCache, type MetadataEntry, type MetadataRequest } from '../../src/node/metadata-cache.ts'

await configure({ maximumBytes: 2 ** 26 }) // so that there is an end to it

const parts = { destination: '10.0.0.7:9999', bufferBytes: 0, hostname: 'host', os: 'linux' }
const lineWith = (fields: unknown) => metadataLine(metadataEvent({ ...parts, fields: checkFields(fields) }))
const prefix = '{"event":"agent_init",'

describe('the event', () => {
  it('is as docs/wire.md has it', () => {
    expect([EVENT_AGENT_INIT, UPTIME_INIT, OS_LINUX]).toEqual(['agent_init', 'initialized at 0', 'linux'])
    expect(lineWith({ team: 'x' })).toBe(
      '{"event":"agent_init","os":"linux","uptime":"initialized at 0","hostname":"host",' +
        '"udp_destination":"10.0.0.7:9999","udp_buffer_size":0,"team":"x"}\n',
    )
  })

  it('lets the user’s fields override everything but the event', () => {
    const line = lineWith({ os: 'plan9', hostname: 'h', udp_buffer_size: null, event: 'mine', uptime: [1] })
    expect(JSON.parse(line)).toEqual({
      event: 'agent_init',
      os: 'plan9',
      uptime: [1],
      hostname: 'h',
      udp_destination: '10.0.0.7:9999',
      udp_buffer_size: null,
    })
  })

  it('names systems as the rest of the world does', () => {
    const osOf = (os: string) => metadataEvent({ ...parts, os, fields: {} }).os
    expect(['linux', 'darwin', 'win32', 'freebsd'].map(osOf)).toEqual([
      'linux',
      'darwin',
      OS_WINDOWS,
      'freebsd',
    ])
  })

  it('begins with the same bytes whatever the fields are, and is one line', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (fields) => {
        const line = lineWith(fields)
        expect(line.startsWith(prefix)).toBe(true)
        expect(line.indexOf('\n')).toBe(line.length - 1)
        const read: JsonObject = JSON.parse(line)
        const plain = JSON.parse(JSON.stringify(fields))
        for (const name of Object.keys(plain)) {
          if (name !== 'event') expect(read[name]).toEqual(plain[name])
        }
      }),
    )
    expect(lineWith({ 7: 'a', event: 'x', 0: 'b' }).startsWith(prefix)).toBe(true)
  })

  it('leaves out what JSON leaves out, and has its own fields then', () => {
    const line = lineWith({ os: undefined, uptime: () => 1, hostname: Symbol('x'), at: new Date(0) })
    expect(JSON.parse(line)).toMatchObject({
      os: 'linux',
      uptime: UPTIME_INIT,
      hostname: 'host',
      at: '1970-01-01T00:00:00.000Z',
    })
  })

  it('refuses fields that are no JSON, and says what is wrong', () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    const throwing = {
      toJSON() {
        throw new Error('no JSON of me')
      },
    }
    for (const [fields, why] of [
      [{ big: 1n }, /BigInt/],
      [cycle, /JSON \(.*circular/i],
      [{ throwing }, /no JSON of me/],
      [[1], /an object/],
      ['text', /an object/],
      [null, /an object/],
      [undefined, /an object/],
      [() => {}, /an object/],
    ] as const) {
      expect(() => checkFields(fields)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(why) }),
      )
    }
  })

  it('refuses more than a datagram holds', () => {
    const withText = (length: number) =>
      metadataEvent({ ...parts, fields: { text: 'x'.repeat(length) } as JsonObject })
    const rest = metadataBytes(withText(0)).length
    expect(metadataBytes(withText(65_507 - rest)).length).toBe(65_507)
    expect(() => metadataBytes(withText(65_508 - rest))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('65508') }),
    )
  })
})

// ---- the cache ---------------------------------------------------------------------------------------------

const request = (fields: unknown = {}, more: Partial<MetadataRequest> = {}): MetadataRequest => ({
  destination: '10.0.0.7:9999',
  bufferBytes: 0,
  fields,
  ...more,
})

/** What another thread would send. */
function sentBy(entry: MetadataEntry): Uint8Array {
  if (entry.handle === undefined) return entry.bytes!
  const shared = SharedBytes.from(entry.handle)
  const bytes = shared.view(0, entry.length).slice()
  shared.leave()
  return bytes
}

const textOf = (entry: MetadataEntry) => new TextDecoder().decode(sentBy(entry))
const isGone = (entry: MetadataEntry) => {
  expect(() => SharedBytes.from(entry.handle!)).toThrow(expect.objectContaining({ code: 'ERR_STALE_HANDLE' }))
}

describe('the cache', () => {
  it('marshals once, and gives all exporters the same shared memory', () => {
    const cache = new MetadataCache()
    const first = cache.get(request({ team: 'x' }))
    const second = cache.get(request({ team: 'x' }))
    expect(JSON.parse(textOf(first))).toMatchObject({
      event: 'agent_init',
      os: process.platform,
      hostname: hostname(),
      udp_destination: '10.0.0.7:9999',
      team: 'x',
    })
    expect(second.handle).toEqual(first.handle)
    expect([first.hits, first.misses, second.hits, second.misses]).toEqual([0, 1, 1, 0])
    const stats = cache.stats()
    expect(stats).toMatchObject({ hits: 1, misses: 1, failures: 0, entries: 1, bytes: first.length })
    expect(stats.ms).toBeCloseTo(first.ms + second.ms, 5)
    expect(stats.ms).toBeGreaterThan(0)
    first.release()
    first.release()
    expect(textOf(second)).toMatch(/^\{"event":"agent_init",/)
    second.release()
    isGone(second)
  })

  it('has what it made once also when nobody held it in between', () => {
    const cache = new MetadataCache()
    const first = cache.get(request({ a: 1 }))
    const text = textOf(first)
    first.release()
    const second = cache.get(request({ a: 1 }))
    expect([textOf(second), second.hits]).toEqual([text, 1])
    second.release()
  })

  it('takes changed fields, destination, buffer or compression for something else', () => {
    const cache = new MetadataCache()
    const entries = [
      request({ a: 1 }),
      request({ a: 2 }),
      request({ a: 2 }, { destination: '10.0.0.8:9999' }),
      request({ a: 2 }, { bufferBytes: 4096 }),
      request({ a: 2 }, { compression: 'deflate' }),
      request({ a: 2 }, { compression: 'brotli' }),
    ].map((one) => cache.get(one))
    expect(cache.stats()).toMatchObject({ misses: 6, hits: 0 })
    expect(JSON.parse(textOf(entries[3]!))).toMatchObject({ a: 2, udp_buffer_size: 4096 })
    for (const entry of entries) entry.release()
  })

  it('is not fooled by fields that change after they were given', () => {
    const cache = new MetadataCache()
    const fields = { team: 'before' }
    const entry = cache.get(request(fields))
    fields.team = 'after'
    expect(JSON.parse(textOf(entry)).team).toBe('before')
    const next = cache.get(request(fields))
    expect([JSON.parse(textOf(next)).team, next.misses]).toEqual(['after', 1])
    entry.release()
    next.release()
  })

  it('keeps it compressed, as the collector reads it', () => {
    const cache = new MetadataCache()
    const fields = { text: 'spillway '.repeat(100) }
    const plain = cache.get(request(fields))
    for (const [compression, inflate] of [
      ['deflate', inflateSync],
      ['brotli', brotliDecompressSync],
    ] as const) {
      const entry = cache.get(request(fields, { compression }))
      const datagram = sentBy(entry)
      expect([...datagram.subarray(0, 4)]).toEqual([0x00, 0x53, 0x50, 0x4c])
      const { codec, body } = readCompressed(datagram)!
      expect([codec, entry.compression]).toEqual([compression, compression])
      expect(inflate(body).toString()).toBe(textOf(plain))
      expect(entry.length).toBeLessThan(plain.length / 3)
      entry.release()
    }
    plain.release()
    expect(() => cache.get(request({}, { compression: 'zip' as 'brotli' }))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
    )
  })

  it('asks for the hostname once, and does without', () => {
    let asked = 0
    const failing = new MetadataCache(() => {
      asked++
      throw new Error('not permitted')
    })
    expect(asked).toBe(0)
    for (const fields of [{ a: 1 }, { a: 2 }]) {
      const entry = failing.get(request(fields))
      expect(JSON.parse(textOf(entry)).hostname).toBe(UNKNOWN_HOSTNAME)
      entry.release()
    }
    expect(asked).toBe(1)
    const nameless = new MetadataCache(() => '').get(request())
    expect(JSON.parse(textOf(nameless)).hostname).toBe(UNKNOWN_HOSTNAME)
    nameless.release()
  })

  it('keeps a bounded number, lets go what nobody holds, and makes afresh what it cannot keep', () => {
    const cache = new MetadataCache()
    for (let i = 0; i < 100; i++) cache.get(request({ i })).release()
    expect(cache.stats()).toMatchObject({ entries: 64, misses: 100, failures: 0 })
    cache.get(request({ i: 50 })).release()
    cache.get(request({ i: 36 })).release() // the oldest that is left, and so the newest used
    cache.get(request({ i: 0 })).release()
    cache.get(request({ i: 36 })).release()
    expect(cache.stats()).toMatchObject({ hits: 3, misses: 101 })
    cache.get(request({ i: 37 })).release()
    expect(cache.stats()).toMatchObject({ hits: 3, misses: 102 })
    const held = Array.from({ length: 64 }, (_, i) => cache.get(request({ held: i })))
    const beyond = cache.get(request({ held: 64 }))
    expect(beyond.handle).toBeUndefined()
    expect(JSON.parse(textOf(beyond)).held).toBe(64)
    expect(cache.stats()).toMatchObject({ entries: 64, failures: 1 })
    for (const entry of [...held, beyond]) entry.release()
  })

  it('answers plain bytes where there is no shared memory, and recovers', () => {
    const cache = new MetadataCache()
    const hog: SharedBytes[] = []
    for (let bytes = 2 ** 25; bytes >= 4096; bytes /= 2) {
      try {
        for (;;) hog.push(SharedBytes.create(bytes))
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_OUT_OF_MEMORY' })
      }
    }
    try {
      hog.push(SharedBytes.create(1))
    } catch {} // the last granule, if it was left
    const entry = cache.get(request({ a: 1 }))
    expect(entry.handle).toBeUndefined()
    expect(JSON.parse(textOf(entry)).a).toBe(1)
    expect(cache.stats()).toMatchObject({ failures: 1, misses: 1 })
    entry.release()
    for (const bytes of hog) bytes.leave()
    const next = cache.get(request({ a: 1 }))
    expect(next.handle).toBeDefined()
    expect([textOf(next), next.hits]).toEqual([textOf(entry), 1])
    next.release()
  })
})

// ---- the file ----------------------------------------------------------------------------------------------

const folders: string[] = []
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true })
})

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'spillway-metadata-'))
  folders.push(path)
  return path
}

/** A cache as after a restart, and what it has got. */
function restarted(file: string, fields: unknown = { a: 1 }) {
  const cache = new MetadataCache()
  const entry = cache.get(request(fields, { file }))
  const text = textOf(entry)
  entry.release()
  return { text, hits: entry.hits, failures: cache.stats().failures }
}

describe('the file', () => {
  it('brings over a restart what was marshalled before, for its owner only, and leaves nothing beside', () => {
    const path = folder()
    const file = join(path, 'metadata.json')
    const made = restarted(file)
    expect(made).toMatchObject({ hits: 0, failures: 0 })
    expect(restarted(file)).toEqual({ ...made, hits: 1 })
    expect(restarted(file, { a: 2 }).hits).toBe(0)
    expect([restarted(file, { a: 2 }).hits, restarted(file).hits]).toEqual([1, 1])
    expect(readdirSync(path)).toEqual(['metadata.json'])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('is a miss however it is damaged, and is made whole', () => {
    const file = join(folder(), 'metadata.json')
    const made = restarted(file)
    const whole = readFileSync(file, 'utf8')
    const parsed = JSON.parse(whole)
    const [entry] = parsed.entries
    const damaged = [
      '',
      'null',
      '[]',
      whole.slice(0, -10),
      whole.replace('"spillway":1', '"spillway":2'),
      JSON.stringify({ spillway: 1 }),
      JSON.stringify({ spillway: 1, entries: [null, 5, {}, { ...entry, base64: 7 }] }),
      JSON.stringify({ spillway: 1, entries: [{ ...entry, base64: `AAAA${entry.base64.slice(4)}` }] }),
      JSON.stringify({ spillway: 1, entries: [{ ...entry, sha256: '' }] }),
      `${whole}${' '.repeat(1024 * 1024)}`,
    ]
    for (const text of damaged) {
      writeFileSync(file, text)
      expect(restarted(file), text.slice(0, 100)).toEqual({ ...made, hits: 0, failures: 0 })
      expect(restarted(file), text.slice(0, 100)).toEqual({ ...made, hits: 1, failures: 0 })
    }
  })

  it('is a miss at whatever byte it is changed or cut off', () => {
    const file = join(folder(), 'metadata.json')
    const { text } = restarted(file)
    const whole = readFileSync(file)
    fc.assert(
      fc.property(
        fc.nat(whole.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (at, bits, cut) => {
          const bytes = cut ? whole.subarray(0, at) : Buffer.from(whole)
          if (!cut) bytes[at]! ^= bits
          writeFileSync(file, bytes)
          expect(restarted(file).text).toBe(text)
        },
      ),
      { numRuns: 100 },
    )
  })

  it('stays small, and lets the oldest go', () => {
    const file = join(folder(), 'metadata.json')
    for (let i = 0; i < 70; i++) restarted(file, { i })
    expect(JSON.parse(readFileSync(file, 'utf8')).entries).toHaveLength(64)
    expect([restarted(file, { i: 69 }).hits, restarted(file, { i: 0 }).hits]).toEqual([1, 0])
    for (let i = 0; i < 20; i++) restarted(file, { i, text: 'x'.repeat(60_000) })
    expect(statSync(file).size).toBeLessThanOrEqual(1024 * 1024)
    expect(restarted(file, { i: 19, text: 'x'.repeat(60_000) }).hits).toBe(1)
  })

  it('is not needed: what cannot be written is counted, and the event made afresh', () => {
    const path = folder()
    const { text } = restarted(join(path, 'metadata.json'))
    mkdirSync(join(path, 'folder'))
    for (const file of [join(path, 'folder'), join(path, 'no', 'such', 'folder'), '\0']) {
      expect(restarted(file)).toEqual({ text, hits: 0, failures: 1 })
    }
    expect(readdirSync(path).sort()).toEqual(['folder', 'metadata.json'])
  })
})
