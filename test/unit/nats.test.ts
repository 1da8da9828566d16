import { appendFileSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { covers } from '../../src/integrations/nats/link.ts'
import { type Message, MessageMaker } from '../../src/integrations/nats/message.ts'
import { Spool } from '../../src/integrations/nats/spool.ts'
import { Lines, type RawPart } from '../../src/net/lines.ts'

const encoder = new TextEncoder()
const textOf = ({ payload }: Message) => new TextDecoder().decode(payload)

/** Parts of lines, each of the source whose number it has. */
function batch(parts: readonly { source: number; lines: readonly string[] }[]): Lines {
  const texts = parts.map(({ lines }) => lines.map((line) => `${line}\n`).join(''))
  const raw: RawPart[] = parts.map(({ source, lines }, i) => ({
    row: source,
    flow: source,
    lines: lines.length,
    bytes: encoder.encode(texts[i]!).length,
  }))
  const bytes = encoder.encode(texts.join(''))
  const count = parts.reduce((sum, { lines }) => sum + lines.length, 0)
  return new Lines(bytes, count, raw, (row) =>
    row === 0 ? undefined : { address: `10.0.0.${row}`, port: 1, ...(row > 5 && { id: `id${row}` }) },
  )
}

const made = (subject: string, linesPerMessage: number) =>
  new MessageMaker({ run: 'run', subject, linesPerMessage })

describe('messages', () => {
  const line = fc.string({ maxLength: 30 }).map((text) => text.replaceAll('\n', ' '))
  const parts = fc.array(
    fc.record({ source: fc.nat(8), lines: fc.array(line, { minLength: 1, maxLength: 8 }) }),
    { maxLength: 8 },
  )

  it('have every line once, in order, within both limits, and no id is there twice', () => {
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 4 }), fc.integer({ min: 1, max: 10 }), (batches, most) => {
        const maker = made('all.lines', most)
        const ids = new Set<string>()
        for (const parts of batches) {
          const { messages, tooLong } = maker.make(batch(parts), 64)
          const given = parts.flatMap(({ lines }) => lines)
          const fits = given.filter((text) => encoder.encode(text).length < 64)
          expect(tooLong).toBe(given.length - fits.length)
          expect(messages.map(textOf).join('')).toBe(fits.map((text) => `${text}\n`).join(''))
          for (const message of messages) {
            expect(message.lines).toBe(textOf(message).split('\n').length - 1)
            expect(message.lines).toBeLessThanOrEqual(most)
            expect(message.payload.length).toBeLessThanOrEqual(64)
            expect(ids.has(message.id)).toBe(false)
            ids.add(message.id)
          }
        }
      }),
    )
  })

  it('by source: each has the lines of one, in their order', () => {
    fc.assert(
      fc.property(parts, (given) => {
        const { messages } = made('by.{source}', 3).make(batch(given), 4096)
        const subjects = new Set(messages.map(({ subject }) => subject))
        for (const subject of subjects) {
          const own = given.filter(({ source }) => subject === `by.${nameOf(source)}`)
          const lines = own.flatMap(({ lines }) => lines)
          const text = messages.filter((message) => message.subject === subject).map(textOf)
          expect(text.join('')).toBe(lines.map((line) => `${line}\n`).join(''))
        }
        expect(messages.reduce((sum, { lines }) => sum + lines, 0)).toBe(
          given.reduce((sum, { lines }) => sum + lines.length, 0),
        )
      }),
    )
  })

  const nameOf = (source: number) => {
    if (source === 0) return 'unknown'
    return source > 5 ? `id${source}` : `10_0_0_${source}`
  }

  it('a line that is too long is left out, wherever it stands', () => {
    const long = 'x'.repeat(100)
    const { messages, tooLong } = made('a', 100).make(
      batch([{ source: 1, lines: [long, 'a', long, 'b', long] }]),
      64,
    )
    expect(tooLong).toBe(3)
    expect(messages.map(textOf)).toEqual(['a\n', 'b\n'])
  })
})

describe('the spool', () => {
  const message = (n: number, bytes = 10): Message => ({
    id: `id-${n}`,
    subject: 'a.b',
    payload: encoder.encode(`${'x'.repeat(bytes)}\n`),
    lines: 1,
  })
  function folder(): string {
    const dir = mkdtempSync(join(tmpdir(), 'spillway-spool-'))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    return dir
  }
  const open = (dir: string, maxBytes = 2 ** 30) => Spool.open({ dir, maxBytes })
  const idsOf = (messages: readonly Message[]) => messages.map(({ id }) => id)

  async function drain(spool: Spool): Promise<string[]> {
    const ids: string[] = []
    while (!spool.isEmpty) {
      ids.push(...idsOf(await spool.oldest()))
      await spool.dropOldest()
    }
    return ids
  }

  it('gives back what it was given, in order, over files and runs', async () => {
    const dir = folder()
    const first = await open(dir)
    for (let i = 0; i < 10; i++) expect(await first.append([message(i, 2 ** 20)])).toBe(1)
    await first.close()
    expect(readdirSync(dir).length).toBeGreaterThan(1)
    const second = await open(dir)
    expect([second.lines, second.isEmpty]).toEqual([10, false])
    expect(await second.append([message(10), message(11)])).toBe(2)
    expect(await drain(second)).toEqual(Array.from({ length: 12 }, (_, i) => `id-${i}`))
    expect([second.bytes, readdirSync(dir)]).toEqual([0, []])
    await second.close()
  })

  it('appends while the oldest file is being read', async () => {
    const spool = await open(folder())
    await spool.append([message(0)])
    expect(idsOf(await spool.oldest())).toEqual(['id-0'])
    await spool.append([message(1)])
    await spool.dropOldest()
    expect(await drain(spool)).toEqual(['id-1'])
  })

  it('takes no more than it may have, and again when there is room', async () => {
    const spool = await open(folder(), 2 ** 16)
    const many = Array.from({ length: 100 }, (_, i) => message(i, 1000))
    const taken = await spool.append(many)
    expect(taken).toBeGreaterThan(50)
    expect(taken).toBeLessThan(65)
    expect(spool.bytes).toBeLessThanOrEqual(2 ** 16)
    expect(await spool.append(many)).toBe(0)
    expect(await drain(spool)).toHaveLength(taken)
    expect(await spool.append(many)).toBe(taken)
    await spool.close()
  })

  it('half a record at the end of a file is none, and other files are let be', async () => {
    const dir = folder()
    const before = await open(dir)
    await before.append([message(0), message(1)])
    await before.close()
    const [file] = readdirSync(dir)
    appendFileSync(join(dir, file!), '{"id":"torn","subject":"a","bytes":100,"lines":1}\nxxx')
    writeFileSync(join(dir, 'notes.txt'), 'mine')
    const spool = await open(dir)
    expect(spool.lines).toBe(2)
    expect(await drain(spool)).toEqual(['id-0', 'id-1'])
    expect(readdirSync(dir)).toEqual(['notes.txt'])
  })

  it.each([0, 1, 20, 60, 75])('a file cut off after %i bytes', async (bytes) => {
    const dir = folder()
    const before = await open(dir)
    await before.append([message(0), message(1)])
    await before.close()
    truncateSync(join(dir, readdirSync(dir)[0]!), bytes)
    const spool = await open(dir)
    expect(spool.lines).toBe(bytes >= 61 ? 1 : 0)
    expect(await drain(spool)).toHaveLength(spool.lines)
    expect(await spool.append([message(2)])).toBe(1)
    await spool.close()
  })

  it('what is no record ends the reading of its file', async () => {
    const dir = folder()
    writeFileSync(join(dir, 'spool-000000000003'), '{"id":1}\n{"not":"json"')
    const spool = await open(dir)
    expect(await spool.append([message(9)])).toBe(1)
    expect(await drain(spool)).toEqual(['id-9'])
  })
})

describe('subjects', () => {
  it.each([
    ['a.b', 'a.b', true],
    ['a.b', 'a.c', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a.*', true],
    ['a.b', 'a.*', false],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['>', 'a.b', true],
    ['a.*.c', 'a.b.c', true],
    ['a.*.c', 'a.b', false],
    ['a.b', 'a.b.c', false],
  ])('%s covers %s: %s', (wide, narrow, does) => {
    expect(covers(wide, narrow)).toBe(does)
  })
})
