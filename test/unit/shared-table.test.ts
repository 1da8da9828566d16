import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { transformSync } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { SharedTable, type SharedTableHandle } from '../../src/net/shared-table.ts'

describe('a table in shared memory', () => {
  const shape = { rows: 3, textBytes: 10, numbers: 2 }

  it('has rows of a text and numbers that do not touch one another', () => {
    const table = SharedTable.create(shape)
    for (const row of [0, 1, 2]) {
      expect(table.setText(row, `row ${row} ä`)).toBe(true)
      table.numbers(row).set([row + 0.5, 2 ** 53])
    }
    const other = SharedTable.from(structuredClone(table.handle))
    for (const row of [0, 1, 2]) {
      expect(other.text(row)).toBe(`row ${row} ä`)
      expect([...other.numbers(row)]).toEqual([row + 0.5, 2 ** 53])
    }
  })

  it('begins empty, and is as it was after a text is taken away', () => {
    const table = SharedTable.create(shape)
    expect(table.text(1)).toBe('')
    table.setText(1, 'long text')
    table.setText(1, 'short')
    expect(table.text(1)).toBe('short')
    expect(table.setText(1, '')).toBe(true)
    expect(table.text(1)).toBe('')
  })

  it('leaves out a text that is too long', () => {
    const table = SharedTable.create(shape)
    expect(table.setText(0, 'x'.repeat(16))).toBe(true)
    expect(table.setText(0, 'x'.repeat(17))).toBe(false)
    expect(table.text(0)).toBe('')
  })

  it('gives up on a text that a writer was stopped in', () => {
    const table = SharedTable.create(shape)
    table.setText(0, 'whole')
    Atomics.add(new Int32Array(table.handle.buffer), 0, 1) // as a writer does first
    expect(table.text(0)).toBe('')
  })

  it('never shows half of one text and half of another, while a thread writes', async () => {
    const table = SharedTable.create({ rows: 1, textBytes: 400, numbers: 0 })
    const worker = startWriter(table.handle)
    try {
      await new Promise((resolve) => worker.once('message', resolve))
      const seen = new Set<string>()
      for (let look = 0; look < 20_000 || seen.size < 3; look++) {
        const text = table.text(0)
        expect(text).toMatch(/^(a+|b+|c+|)$/)
        if (text !== '') expect(text).toHaveLength({ a: 397, b: 211, c: 4 }[text[0]!]!)
        seen.add(text[0] ?? '')
      }
    } finally {
      await worker.terminate()
    }
  })
})

/** A thread that writes to the table as fast as it can, by the code that ships. */
function startWriter(handle: SharedTableHandle): Worker {
  const path = new URL('../../src/net/shared-table.ts', import.meta.url)
  const { code } = transformSync(readFileSync(path, 'utf8'), { loader: 'ts', format: 'esm' })
  const source = `import { parentPort, workerData } from 'node:worker_threads'
    ${code}
    const table = SharedTable.from(workerData)
    const texts = ['a'.repeat(397), 'b'.repeat(211), 'cccc']
    let turn = 0
    const write = () => table.setText(0, texts[turn++ % 3])
    write()
    parentPort.postMessage('writing')
    setInterval(() => { for (let i = 0; i < 2000; i++) write() }, 0)`
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: handle })
}
