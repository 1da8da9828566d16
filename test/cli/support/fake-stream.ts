import { Writable } from 'node:stream'
import type { TextStream } from '../../../src/cli/terminal.ts'

/** Takes what is written, as a terminal of that size or as a file. */
export class FakeStream extends Writable implements TextStream {
  readonly isTTY: boolean
  readonly columns: number
  readonly rows: number
  text = ''

  constructor({ isTTY = false, columns = 80, rows = 24 } = {}) {
    super({ decodeStrings: false })
    this.isTTY = isTTY
    this.columns = columns
    this.rows = rows
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.text += chunk
    done()
  }
}

const ESC = '\u001b'
const TOKENS = new RegExp(`${ESC}\\[\\??\\d*[A-Za-z]|[\\s\\S]`, 'g')
/** Automatic margins on and off, and colours: they move nothing. */
const STILL = new RegExp(`^${ESC}\\[(\\?7[lh]|\\d+m)$`)
const UP = new RegExp(`^${ESC}\\[(\\d+)A$`)

/** What a terminal shows of a text, row by row: it knows the sequences that the command uses, and no others. */
export function screenOf(text: string, columns = 80): string[] {
  const rows = ['']
  let row = 0
  let column = 0
  const cut = () => {
    rows[row] = rows[row]!.slice(0, column)
  }
  for (const token of text.match(TOKENS) ?? []) {
    const up = UP.exec(token)?.[1]
    if (up !== undefined) row = Math.max(0, row - Number(up))
    else if (token === '\r') column = 0
    else if (token === '\n') {
      column = 0
      rows[++row] ??= ''
    } else if (token === `${ESC}[K`) cut()
    else if (token === `${ESC}[J`) {
      cut()
      rows.length = row + 1
    } else if (STILL.test(token)) continue
    else if (token.startsWith(ESC)) throw new Error(`not expected here: ${JSON.stringify(token)}`)
    else if (column < columns) {
      rows[row] = rows[row]!.slice(0, column) + token + rows[row]!.slice(column + 1)
      column++
    }
  }
  return rows
}
