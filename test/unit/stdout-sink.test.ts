import { execFile } from 'node:child_process'
import { PassThrough, Writable } from 'node:stream'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Lines } from '../../src/net/lines.ts'
import type { Sink } from '../../src/net/sink.ts'
import { stdoutSink } from '../../src/node/sinks/stdout.ts'

const linesOf = (text: string) =>
  new Lines(new TextEncoder().encode(text), text.split('\n').length - 1, [], () => undefined)

function opened(stream: Writable) {
  const reports: unknown[] = []
  const sink = stdoutSink({ stream }) as Required<Sink>
  sink.open({
    report: (message, code) => reports.push([message, code]),
    closing: new AbortController().signal,
  })
  return { sink, reports }
}

describe('a sink on a stream', () => {
  it('is done with a batch when the stream has passed it on', async () => {
    let passOn = () => {}
    const stream = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        passOn = done
      },
    })
    const { sink } = opened(stream)
    let isDone = false
    const written = Promise.resolve(sink.write(linesOf('a\n'))).then(() => {
      isDone = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isDone).toBe(false)
    passOn()
    await written
  })

  it('does not end it', async () => {
    const stream = new PassThrough()
    const { sink } = opened(stream)
    await sink.write(linesOf('a\nb\n'))
    await sink.close()
    expect(stream.writableEnded).toBe(false)
    expect(stream.read().toString()).toBe('a\nb\n')
    expect(stream.listenerCount('error')).toBe(0)
  })

  it('says once that its reader has gone, and fails from then on', async () => {
    const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(error) })
    const { sink, reports } = opened(stream)
    for (let batch = 0; batch < 3; batch++) await expect(sink.write(linesOf('a\n'))).rejects.toBe(error)
    expect(reports).toEqual([['stdout: its reader has gone', 'EPIPE']])
  })

  it('fails what is under way when the stream is destroyed, with no answer to the write', async () => {
    const stream = new Writable({ write: () => {} })
    const { sink, reports } = opened(stream)
    const written = sink.write(linesOf('a\n'))
    stream.destroy(new Error('gone'))
    await expect(written).rejects.toThrow('gone')
    expect(reports).toEqual([['stdout: it cannot be written to: gone', undefined]])
  })
})

describe.runIf(process.platform !== 'win32')('stdout itself', () => {
  it('may lose its reader: the program lives on', async () => {
    const program = `
      import { Lines, stdoutSink } from ${JSON.stringify(new URL('../../dist/node/collector.js', import.meta.url).href)}
      const sink = stdoutSink()
      sink.open({ report: (message, code) => console.error(code, message), closing: new AbortController().signal })
      const lines = new Lines(new TextEncoder().encode('line\\n'.repeat(10000)), 10000, [], () => undefined)
      let written = 0
      try {
        for (;;) { await sink.write(lines); written++ }
      } catch (error) {
        console.error('failed', error.code)
      }
      sink.close()`
    const command = `"$0" --input-type=module -e "$1" | head -n 1; exit "\${PIPESTATUS[0]}"`
    const run = await promisify(execFile)('bash', ['-c', command, process.execPath, program])
    expect(run.stdout).toBe('line\n')
    expect(run.stderr).toContain('EPIPE stdout: its reader has gone')
    expect(run.stderr).toContain('failed EPIPE')
  })
})
