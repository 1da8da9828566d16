import { describe, expect, it, vi } from 'vitest'
import { Calm } from '../../src/cli/calm.ts'
import { bar, byteCount, count, percent, sparkline } from '../../src/cli/format.ts'
import { Progress, voiceFor } from '../../src/cli/progress.ts'
import { Rates } from '../../src/cli/rates.ts'
import { partRows, renderLedger } from '../../src/cli/table.ts'
import { LiveBlock, paintFor } from '../../src/cli/terminal.ts'
import { FakeStream, screenOf } from './support/fake-stream.ts'

const terminal = () => new FakeStream({ isTTY: true })

describe('colour', () => {
  it('is for terminals, and not for those who said no', () => {
    expect(paintFor(terminal(), {})('red', 'x')).toBe('\x1b[31mx\x1b[39m')
    expect(paintFor(new FakeStream(), {})('red', 'x')).toBe('x')
    expect(paintFor(terminal(), { NO_COLOR: '1' })('red', 'x')).toBe('x')
    expect(paintFor(terminal(), { TERM: 'dumb' })('red', 'x')).toBe('x')
    // An empty NO_COLOR is none.
    expect(paintFor(terminal(), { NO_COLOR: '' })('red', 'x')).not.toBe('x')
  })
})

describe('a live block', () => {
  it('draws over itself, longer, shorter and gone', () => {
    const stream = terminal()
    stream.write('before\n')
    const block = new LiveBlock(stream)
    block.draw(['one', 'two'])
    block.draw(['three is longer', 'four', 'five'])
    expect(screenOf(stream.text)).toEqual(['before', 'three is longer', 'four', 'five', ''])
    block.draw(['six'])
    expect(screenOf(stream.text)).toEqual(['before', 'six', ''])
    block.clear()
    expect(screenOf(stream.text)).toEqual(['before', ''])
  })

  it('never draws more than the terminal has rows', () => {
    const stream = new FakeStream({ isTTY: true, rows: 4 })
    const block = new LiveBlock(stream)
    for (let i = 0; i < 3; i++) block.draw(['a', 'b', 'c', 'd', 'e'])
    expect(screenOf(stream.text)).toEqual(['a', 'b', 'c', ''])
  })
})

describe('progress', () => {
  const report = (line: string | undefined) => ({
    live: () => [`live ${line}`],
    plain: () => line,
    json: () => ({ line }),
  })

  it('is live on a terminal, plain in a file, and JSON or nothing when asked', () => {
    const wishes = { json: false, quiet: false }
    expect(voiceFor(terminal(), wishes)).toBe('live')
    expect(voiceFor(new FakeStream(), wishes)).toBe('plain')
    expect(voiceFor(terminal(), { json: true, quiet: true })).toBe('json')
    expect(voiceFor(terminal(), { json: false, quiet: true })).toBe('quiet')
  })

  it('says at intervals what there is to say', () => {
    vi.useFakeTimers()
    try {
      const said = (voice: 'live' | 'plain' | 'json' | 'quiet', line: string | undefined) => {
        const stream = terminal()
        const progress = new Progress(voice, stream, 1000, report(line))
        vi.advanceTimersByTime(2500)
        progress.stop()
        vi.advanceTimersByTime(2500)
        return stream.text
      }
      expect(said('plain', 'x')).toBe('x\nx\n')
      expect(said('plain', undefined)).toBe('')
      expect(said('json', 'x')).toBe('{"line":"x"}\n{"line":"x"}\n')
      expect(said('quiet', 'x')).toBe('')
      expect(said('live', 'x')).toContain('live x')
      expect(screenOf(said('live', 'x'))).toEqual([''])
    } finally {
      vi.useRealTimers()
    }
  })

  it('puts notes above what is drawn, and keeps them out of JSON', () => {
    const stream = terminal()
    const progress = new Progress('live', stream, 1000, report('x'))
    progress.note('a note')
    progress.stop()
    expect(screenOf(stream.text)).toEqual(['a note', ''])
    const json = new FakeStream()
    const silent = new Progress('json', json, 1000, report('x'))
    silent.note('a note')
    silent.stop()
    expect(json.text).toBe('')
  })

  it('tells in every voice what goes wrong', () => {
    const alert = { message: 'nobody listens there', code: 'ECONNREFUSED' }
    const said = (voice: 'live' | 'plain' | 'json' | 'quiet') => {
      const stream = new FakeStream()
      const progress = new Progress(voice, stream, 1000, report('x'))
      progress.alert(alert)
      progress.stop()
      return stream.text
    }
    for (const voice of ['live', 'plain', 'quiet'] as const) {
      expect(screenOf(said(voice))[0]).toBe('spillway: nobody listens there')
    }
    expect(JSON.parse(said('json'))).toEqual({ kind: 'alert', alert })
  })
})

describe('calm', () => {
  it('says each thing at once, and again after ten seconds', () => {
    const calm = new Calm()
    const said = [0, 1, 9_999, 10_000, 10_001].map((nowMs) => calm.maySay('ECONNREFUSED', nowMs))
    expect(said).toEqual([true, false, false, true, false])
    expect(calm.maySay('EMFILE', 1)).toBe(true)
  })
})

describe('rates', () => {
  it('are over the last window', () => {
    const rates = new Rates<'n'>(1000)
    expect(rates.next({ n: 0 }, 0).n).toBe(0)
    expect(rates.next({ n: 100 }, 500).n).toBe(200)
    expect(rates.next({ n: 200 }, 1000).n).toBe(200)
    // The first second is forgotten by now.
    expect(rates.next({ n: 200 }, 2000).n).toBe(0)
    expect(rates.next({ n: 700 }, 2500).n).toBeCloseTo(500 / 1.5)
  })

  it('are never below nothing, and survive a clock that stands still', () => {
    const rates = new Rates<'n'>()
    rates.next({ n: 10 }, 0)
    expect(rates.next({ n: 5 }, 1000).n).toBe(0)
    expect(rates.next({ n: 9 }, 1000).n).toBe(0)
  })
})

describe('figures', () => {
  it('are for people', () => {
    expect(count(1234567)).toBe('1,234,567')
    expect([0, 999, 1000, 999_949, 999_950, 27_100_000].map(byteCount)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '999.9 kB',
      '1.0 MB',
      '27.1 MB',
    ])
    expect([percent(1, 5), percent(0, 0)]).toEqual(['20.00 %', '0.00 %'])
    expect(sparkline([0, 50, 100])).toBe('▁▅█')
    expect(sparkline([0, 0])).toBe('▁▁')
    expect([bar(0, 10, 4), bar(1, 100, 4), bar(5, 10, 4), bar(20, 10, 4), bar(1, 0, 4)]).toEqual([
      '░░░░',
      '█░░░',
      '██░░',
      '████',
      '░░░░',
    ])
  })
})

describe('a ledger', () => {
  const plain = (_: unknown, text: string) => text

  it('has its numbers under one another', () => {
    const rows = [
      { label: 'offered', value: 1_234_567 },
      'rule' as const,
      { label: 'sent', value: 1_234_000, note: 'fine' },
      { label: 'dropped', value: 567 },
      ...partRows({ full: 0, oversize: 67, overwritten: 500 }),
    ]
    expect(renderLedger(rows, plain)).toEqual([
      '  offered        1,234,567',
      '  ────────────────────────',
      '  sent           1,234,000  fine',
      '  dropped              567',
      '    overwritten        500',
      '    oversize            67',
    ])
  })

  it('marks a loss, but not the loss of nothing', () => {
    const paint = (format: unknown, text: string) => `<${format}>${text}`
    const row = (value: number) => renderLedger([{ label: 'lost', value, tone: 'loss' }], paint)[0]
    expect(row(1)).toContain('<yellow>')
    expect(row(0)).not.toContain('<yellow>')
  })
})
