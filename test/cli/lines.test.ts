import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeLines } from '../../src/cli/send/lines.ts'
import { RateLimit } from '../../src/cli/send/rate-limit.ts'
import { LineCutter } from '../../src/node/line-cutter.ts'
import { RingPace } from '../../src/node/ring-pace.ts'

function cutAll(chunks: readonly Uint8Array[]): string[] {
  const cutter = new LineCutter()
  const lines: string[] = []
  const take = (line: Uint8Array) => lines.push(Buffer.from(line).toString('latin1'))
  for (const chunk of chunks) for (const line of cutter.cut(Buffer.from(chunk))) take(line)
  for (const line of cutter.rest()) take(line)
  return lines
}

describe('cutting lines', () => {
  it('gives the same lines wherever the chunks end', () => {
    const bytes = fc.uint8Array({ maxLength: 60 }).map((raw) => raw.map((byte) => (byte < 100 ? 0x0a : byte)))
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 12 }), (chunks) => {
        const text = Buffer.concat(chunks).toString('latin1')
        expect(cutAll(chunks)).toEqual(text.match(/[^\n]*\n|[^\n]+$/g) ?? [])
      }),
    )
  })

  it('keeps no more of a line without an end than any datagram can carry', () => {
    const chunk = Buffer.alloc(40_000, 'x')
    const lines = cutAll([
      chunk,
      chunk,
      chunk,
      chunk,
      Buffer.from('tail\nnext\n'),
      chunk,
      Buffer.from('\nlast'),
    ])
    expect(lines.map((line) => line.length)).toEqual([80_000, 5, 40_001, 4])
    expect(lines[1]).toBe('next\n')
  })
})

describe('writing lines', () => {
  const never = new AbortController().signal

  it('takes them to the end, the one without a newline too', async () => {
    const written: string[] = []
    const writer = { write: (line: Uint8Array) => written.push(String(Buffer.from(line))) > 0 }
    await writeLines(Readable.from([Buffer.from('a\nb'), Buffer.from('c\nd')]), writer, {}, never)
    expect(written).toEqual(['a\n', 'bc\n', 'd'])
  })

  it('stops when it is told to, and says nothing of it', async () => {
    const controller = new AbortController()
    const written: string[] = []
    const writer = {
      write: (line: Uint8Array) => {
        written.push(String(Buffer.from(line)))
        if (written.length === 2) controller.abort()
        return true
      },
    }
    const endless = Readable.from(
      (async function* () {
        for (;;) yield Buffer.from('x\ny\nz\n')
      })(),
    )
    await writeLines(endless, writer, {}, controller.signal)
    expect(written).toEqual(['x\n', 'y\n'])
  })

  it('says when the input breaks', async () => {
    const broken = new Readable({
      read() {
        this.destroy(new Error('EISDIR'))
      },
    })
    await expect(writeLines(broken, { write: () => true }, {}, never)).rejects.toThrow('EISDIR')
  })
})

describe('the pace by the ring', () => {
  /** A ring of so many lines that is emptied only by flushes, and those only when they are awaited. */
  class Ring {
    depth = 0
    highest = 0
    flushes = 0

    write(): boolean {
      this.highest = Math.max(this.highest, ++this.depth)
      return true
    }

    async flush(): Promise<void> {
      this.flushes++
      const waiting = this.depth
      await new Promise(setImmediate)
      this.depth -= waiting
    }
  }

  it('never lets more wait than the ring holds, by lines and by bytes', async () => {
    for (const capacity of [
      { lines: 10, bytes: 1e9 },
      { lines: 1e9, bytes: 20 },
      { lines: 2, bytes: 4 },
      { lines: 1, bytes: 1 },
    ]) {
      const ring = new Ring()
      const pace = new RingPace(ring, capacity)
      const input = Readable.from([Buffer.from('x\n'.repeat(1000))])
      await writeLines(input, ring, { pace }, new AbortController().signal)
      expect(ring.highest).toBeLessThanOrEqual(Math.max(2, Math.min(capacity.lines, capacity.bytes / 2)))
      expect(ring.flushes).toBeGreaterThan(50)
    }
  })

  it('lets a line through that is longer than half the ring, when it is alone', async () => {
    const pace = new RingPace(new Ring(), { lines: 10, bytes: 10 })
    expect(pace.hasRoomFor(100)).toBe(true)
    expect(pace.hasRoomFor(1)).toBe(false)
    await pace.turn(1)
    expect(pace.hasRoomFor(4)).toBe(true)
  })

  it('does not keep a signal waiting', async () => {
    const controller = new AbortController()
    const stuck = {
      written: 0,
      write() {
        this.written++
        return true
      },
      flush() {
        setImmediate(() => controller.abort())
        return new Promise<void>(() => {})
      },
    }
    const pace = new RingPace(stuck, { lines: 4, bytes: 1000 })
    await writeLines(Readable.from([Buffer.from('x\n'.repeat(100))]), stuck, { pace }, controller.signal)
    expect(stuck.written).toBeLessThanOrEqual(4)
  })

  it('hands on what a flush has failed with', async () => {
    const pace = new RingPace({ flush: () => Promise.reject(new Error('gone')) }, { lines: 2, bytes: 100 })
    await pace.turn(1)
    await expect(pace.turn(1)).rejects.toThrow('gone')
  })
})

describe('the rate limit', () => {
  it('comes out at so many lines a second', () => {
    const limit = new RateLimit(1000, 0)
    let now = 0
    for (let line = 0; line < 5000; line++) now += limit.take(now)
    expect(now).toBeGreaterThan(4990)
    expect(now).toBeLessThanOrEqual(5000)
  })

  it('does not make up for a pause', () => {
    const limit = new RateLimit(100, 0)
    let now = 60_000
    let atOnce = 0
    while (limit.take(now) === 0) atOnce++
    expect(atOnce).toBeLessThanOrEqual(11)
    expect(limit.take(now)).toBeGreaterThan(0)
    now += 1000
    expect(limit.take(now)).toBe(0)
  })
})
