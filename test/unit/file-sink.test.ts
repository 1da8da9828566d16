import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Lines } from '../../src/net/lines.ts'
import type { PartlyWritten, Sink } from '../../src/net/sink.ts'
import { type FileSinkOptions, fileSink } from '../../src/node/sinks/file.ts'
import { codeOf } from '../support/code-of.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-file-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)
const textOf = (name: string) => readFileSync(at(name), 'utf8')

function linesOf(...lines: string[]): Lines {
  const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''))
  return new Lines(bytes, lines.length, [], () => undefined)
}

/** A sink as a collector opens it, and what it reports. */
async function opened(path: string, options: FileSinkOptions = {}) {
  const reports: string[] = []
  const closing = new AbortController()
  const sink = fileSink(path, { retryMs: 0, ...options }) as Required<Sink>
  await sink.open({
    report: (message, code) => reports.push(`${code ?? ''} ${message}`),
    closing: closing.signal,
  })
  return { sink, reports, closing }
}

describe('a file sink', () => {
  it('writes lines, and adds to what is there', async () => {
    for (const text of ['one', 'two']) {
      const { sink } = await opened(at('log'))
      await sink.write(linesOf(text, `${text} more`))
      await sink.flush()
      await sink.close()
    }
    expect(textOf('log')).toBe('one\none more\ntwo\ntwo more\n')
  })

  it('ends the half line that a program left behind that was killed', async () => {
    writeFileSync(at('log'), '{"a":1}\n{"b":')
    const { sink } = await opened(at('log'))
    await sink.write(linesOf('{"c":1}'))
    await sink.close()
    expect(textOf('log')).toBe('{"a":1}\n{"b":\n{"c":1}\n')
  })

  it('keeps batches in order, though nobody waits for them', async () => {
    const { sink } = await opened(at('log'), { maxBytes: 25, maxFiles: 100, flushMs: 0 })
    const batches = Array.from({ length: 30 }, (_, i) => [0, 1, 2, 3].map((n) => `batch ${i} ${n}`))
    await Promise.all(batches.map((batch) => sink.write(linesOf(...batch))))
    await sink.close()
    const age = (name: string) => Number(name.split('.')[1] ?? 0)
    const files = readdirSync(folder).sort((a, b) => age(b) - age(a))
    expect(files.flatMap((name) => textOf(name).split('\n').slice(0, -1))).toEqual(batches.flat())
  })
})

describe('rotation', () => {
  it('is by size, in whole lines: the latest is path.1, and the oldest is deleted', async () => {
    const { sink } = await opened(at('log'), { maxBytes: 10, maxFiles: 2 })
    await sink.write(linesOf('aaaa', 'bbbb', 'cccc', 'dddd', 'eeee'))
    await sink.write(linesOf('ffff', 'gggg'))
    await sink.close()
    expect(readdirSync(folder).sort()).toEqual(['log', 'log.1', 'log.2'])
    expect(['log.2', 'log.1', 'log'].map(textOf)).toEqual(['cccc\ndddd\n', 'eeee\nffff\n', 'gggg\n'])
  })

  it('gives a line that is longer than a file one of its own', async () => {
    const { sink } = await opened(at('log'), { maxBytes: 8, maxFiles: 9 })
    const long = 'x'.repeat(30)
    await sink.write(linesOf('a', long, 'b', long))
    await sink.close()
    expect(['log.3', 'log.2', 'log.1', 'log'].map(textOf)).toEqual(['a\n', `${long}\n`, 'b\n', `${long}\n`])
  })

  it('counts what is there when it begins', async () => {
    writeFileSync(at('log'), '12345678\n')
    const { sink } = await opened(at('log'), { maxBytes: 10 })
    await sink.write(linesOf('9'))
    await sink.close()
    expect(textOf('log.1')).toBe('12345678\n')
    expect(textOf('log')).toBe('9\n')
  })

  it('is by age, when the next lines come', async () => {
    writeFileSync(at('log'), 'old\n')
    const { sink } = await opened(at('log'), { maxAgeMs: 1 })
    await new Promise((resolve) => setTimeout(resolve, 5)) // age is real time
    await sink.write(linesOf('new'))
    await sink.close()
    expect([textOf('log.1'), textOf('log')]).toEqual(['old\n', 'new\n'])
  })

  it('has every line exactly once, over many files', async () => {
    const { sink } = await opened(at('log'), { maxBytes: 4096, maxFiles: 1000 })
    let next = 0
    for (let batch = 0; batch < 100; batch++) {
      const lines = Array.from({ length: (batch * 7) % 60 }, () => `${next++}`.padStart((next % 80) + 6, '.'))
      await sink.write(linesOf(...lines))
    }
    await sink.close()
    const files = readdirSync(folder)
    const numbers = files.flatMap((name) => {
      const text = textOf(name)
      expect(text.length).toBeLessThanOrEqual(4096)
      expect(text.endsWith('\n')).toBe(true)
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => Number(line.replace(/^\.+/, '')))
    })
    expect(files.length).toBeGreaterThan(10)
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: next }, (_, i) => i))
  })
})

describe('what cannot be opened', () => {
  it.each([
    ['a folder', () => folder, 'it is a folder'],
    ['a file in no folder', () => at('none/log'), 'its folder is not there'],
    ['a file in a file', () => join(at('plain'), 'log'), 'a part of its path is no folder'],
    ['what the system forbids', () => '/sys/kernel/notes', 'not permitted'],
  ])('is said at once: %s', async (_, path, message) => {
    writeFileSync(at('plain'), '')
    await expect(opened(path())).rejects.toMatchObject({
      code: 'ERR_SINK',
      message: expect.stringContaining(message),
    })
  })

  it.each([
    [{ maxBytes: 0 }],
    [{ maxBytes: Number.NaN }],
    [{ maxFiles: 0 }],
    [{ retries: -1 }],
    [{ flushMs: '1' as never }],
  ])('is no file with %j', (options) => {
    expect(codeOf(() => fileSink(at('log'), options))).toBe('ERR_INVALID_ARGUMENT')
    expect(codeOf(() => fileSink('' as string))).toBe('ERR_INVALID_ARGUMENT')
  })
})

describe.runIf(existsSync('/dev/full'))('a full disk', () => {
  it('is told of once, tried again, and then the batch has failed', async () => {
    const { sink, reports } = await opened('/dev/full', { retries: 3 })
    for (let batch = 0; batch < 2; batch++) {
      await expect(sink.write(linesOf('a', 'b'))).rejects.toMatchObject({ linesWritten: 0, code: 'ENOSPC' })
    }
    expect(reports).toHaveLength(1)
    expect(reports[0]).toMatch(/^ENOSPC '\/dev\/full' cannot be written to/)
    await sink.close()
  })

  it('loses nothing when there is room again in time', async () => {
    symlinkSync('/dev/full', at('log'))
    const { sink, reports } = await opened(at('log'), { retries: 1000, retryMs: 1 })
    const written = sink.write(linesOf('a', 'b'))
    await untilReported(reports)
    unlinkSync(at('log'))
    writeFileSync(at('log'), 'before\n')
    await written
    await sink.close()
    expect(textOf('log')).toBe('before\na\nb\n')
    expect(reports.at(-1)).toContain('can be written to again')
  })

  it('is waited for longer and longer, but not when the collector closes: then it is tried once more', async () => {
    symlinkSync('/dev/full', at('log'))
    const { sink, reports, closing } = await opened(at('log'), { retries: 5, retryMs: 3_600_000 })
    const written = sink.write(linesOf('a'))
    await untilReported(reports)
    closing.abort()
    await expect(written).rejects.toMatchObject({ linesWritten: 0 })
    await expect(sink.write(linesOf('b'))).rejects.toMatchObject({ linesWritten: 0 })
    unlinkSync(at('log'))
    await sink.write(linesOf('c'))
    await sink.close()
    expect(textOf('log')).toBe('c\n')
  })
})

describe('a batch of which only a part can be written', () => {
  it('is in the file as far as it went into files before, whole, and counted', async () => {
    const { sink } = await opened(at('log'), { retries: 0, maxBytes: 6, maxFiles: 3 })
    mkdirSync(at('log.3')) // cannot be deleted as a file is: no second file can be begun
    const failure = await Promise.resolve(sink.write(linesOf('aa', 'bb', 'cc', 'dd'))).catch(
      (error: PartlyWritten) => error,
    )
    expect(failure).toMatchObject({ linesWritten: 2 })
    await sink.close()
    expect(textOf('log')).toBe('aa\nbb\n')
  })

  it.runIf(process.platform === 'linux')('leaves no half line where the disk was full', async () => {
    // A limit on the length of files is a disk that is full in the middle of a write.
    const program = `
      import { fileSink, Lines } from ${JSON.stringify(new URL('../../dist/node/collector.js', import.meta.url).href)}
      const sink = fileSink(${JSON.stringify(at('log'))}, { retries: 0 })
      await sink.open({ report() {}, closing: new AbortController().signal })
      const results = []
      for (let i = 0; i < 8; i++) {
        const lines = new Lines(new TextEncoder().encode((String(i).repeat(99) + '\\n').repeat(30)), 30, [], () => undefined)
        results.push(await sink.write(lines).then(() => 'written', (error) => error.code))
      }
      await sink.close()
      console.log(results.join())`
    writeFileSync(at('program.mjs'), program)
    const limited = `trap '' XFSZ; ulimit -f 16; exec "$0" "$1"`
    const run = await promisify(execFile)('bash', ['-c', limited, process.execPath, at('program.mjs')])
    expect(run.stdout).toMatch(/^(written,)+(EFBIG,?)+\n$/)
    const written = run.stdout.split(',').filter((each) => each === 'written').length
    const lines = textOf('log').split('\n')
    expect(lines).toHaveLength(written * 30 + 1)
    expect(lines.slice(0, -1).every((line) => /^(\d)\1{98}$/.test(line))).toBe(true)
  })
})

/** Until the first report is there: a file is written by the system, in its own time. */
async function untilReported(reports: readonly string[]): Promise<void> {
  while (reports.length === 0) await new Promise((resolve) => setImmediate(resolve))
}
