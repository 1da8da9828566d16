import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cutTornLine, readDelivered } from '../../src/cli/demo/delivered.ts'
import { ProcessEvents } from '../../src/cli/demo/process-events.ts'
import { heartbeatLine } from '../../src/net/wire-lines.ts'

const START = Date.parse('2026-11-20T10:00:00Z')

function lines(thread: number, count: number, seed = 1): string[] {
  const events = new ProcessEvents(thread, seed, START)
  return Array.from({ length: count }, () => `${JSON.stringify(events.next())}\n`)
}

describe('process events', () => {
  it('are the same for the same seed, and others for another thread or seed', () => {
    expect(lines(1, 50)).toEqual(lines(1, 50))
    const withoutId = (all: string[]) => all.map((line) => line.replace(/"exec_id":"[^"]*"/, ''))
    expect(withoutId(lines(1, 50))).not.toEqual(withoutId(lines(2, 50)))
    expect(lines(1, 50)).not.toEqual(lines(1, 50, 2))
  })

  it('are as long as such events are, and of every kind', () => {
    const all = lines(3, 5000)
    const bytes = all.reduce((sum, line) => sum + line.length, 0) / all.length
    expect(bytes).toBeGreaterThan(250)
    expect(bytes).toBeLessThan(290)
    expect(new Set(all.map((line) => JSON.parse(line).event))).toEqual(
      new Set(['process_exec', 'process_exit', 'process_kprobe']),
    )
    expect(JSON.parse(all[4999]!).exec_id).toBe('3-4999')
  })
})

describe('what was delivered', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'spillway-cli-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const file = (text: string) => {
    const path = join(folder, 'out.ndjson')
    writeFileSync(path, text)
    return path
  }

  it('is counted from the file, event by event', async () => {
    const [a, b] = [lines(0, 1000), lines(1, 1000)]
    const some = [...a.slice(0, 700), ...b.slice(300)].reverse()
    expect(await readDelivered(file(some.join('')), [1000, 1000])).toMatchObject({
      events: 1400,
      doubled: 0,
      foreign: 0,
    })
  })

  it('tells what does not belong there', async () => {
    const [first, second, third] = lines(0, 3)
    const cases = {
      doubled: `${first}${second}${first}`,
      'a number that was never offered': third!,
      'a thread that there is not': lines(7, 1)[0]!,
      'half a line': first!.slice(0, 100),
      'half a line, and the next behind it': `${first!.slice(0, 100)}${second}`,
      'no number': first!.replace('0-0', '0-'),
      'something else': '{"a":1}\n\n',
    }
    const results: Record<string, unknown> = {}
    for (const [name, text] of Object.entries(cases)) {
      const { events, doubled, foreign } = await readDelivered(file(text), [2])
      results[name] = [events, doubled, foreign]
    }
    expect(results).toEqual({
      doubled: [2, 1, 0],
      'a number that was never offered': [0, 0, 1],
      'a thread that there is not': [0, 0, 1],
      'half a line': [0, 0, 1],
      'half a line, and the next behind it': [0, 0, 1],
      'no number': [0, 0, 1],
      'something else': [0, 0, 2],
    })
  })

  it('is held against the heartbeats in the file, before and after a kill', async () => {
    const beat = (lines: number, seq: number) =>
      heartbeatLine({
        source: '0123456789abcdef',
        flow: 1,
        seq,
        time: new Date(START).toISOString(),
        started: new Date(START).toISOString(),
        last: false,
        lines,
        datagrams: lines,
        bytes: 1,
        offered: lines,
        sent: lines,
        inRing: 0,
        dropped: 0,
        droppedBy: {},
      })
    const events = lines(0, 100)
    const take = (from: number, to: number) => events.slice(from, to).join('')
    // 20 to 30 are lost on the way, 35 to 50 go with the receiver, and the last 5 are lost again.
    const first = beat(0, 0) + take(0, 20) + beat(30, 1) + take(30, 35)
    const second = take(50, 55) + beat(55, 2) + take(55, 95) + beat(100, 3) + beat(100, 3)
    const path = file(first + second)
    const whole = await readDelivered(path, [100])
    expect(whole).toMatchObject({ events: 70, missing: 30, missingBetween: 0, foreign: 0 })
    const parts = await readDelivered(path, [100], first.length)
    expect(parts).toMatchObject({ events: 70, missing: 30, missingBetween: 15 })
    expect(await readDelivered(file(`{"event":"spillway.stats","v":9}\n`), [1])).toMatchObject({ foreign: 1 })
  })

  it('ends with a whole line after a kill', async () => {
    for (const [before, after] of [
      ['a\nb\nhalf', 'a\nb\n'],
      ['a\nb\n', 'a\nb\n'],
      ['half', ''],
      ['', ''],
    ] as const) {
      const path = file(before)
      expect(await cutTornLine(path)).toBe(after.length)
      expect(readFileSync(path, 'utf8')).toBe(after)
    }
  })
})
