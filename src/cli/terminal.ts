import util from 'node:util'

/** Standard output or error, or what stands for it. */
export interface TextStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

type Format = Parameters<typeof util.styleText>[0]

/** Styles a text, or leaves it as it is. */
export type Paint = (format: Format, text: string) => string

const plain: Paint = (_, text) => text

/** Node has `styleText` from 20.12 on. Whether there is colour is decided here, not by it. */
const styled: Paint = (format, text) => util.styleText(format, text, { validateStream: false })

/** Colours for people at a terminal, unless they said no (https://no-color.org). */
export function paintFor(stream: TextStream, env: NodeJS.ProcessEnv): Paint {
  const wanted = stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  return wanted && typeof util.styleText === 'function' ? styled : plain
}

/** A block of lines at the end of a terminal's text, drawn over itself. */
export class LiveBlock {
  readonly #stream: TextStream
  #height = 0

  constructor(stream: TextStream) {
    this.#stream = stream
  }

  draw(lines: readonly string[]): void {
    // What has scrolled out of the window cannot be drawn over.
    const shown = lines.slice(0, Math.max(1, (this.#stream.rows ?? 24) - 1))
    const text = shown.map((line) => `${line}\x1b[K\n`).join('')
    // Without automatic margins: a line that is too long is cut, and does not become two.
    this.#stream.write(`${this.#home()}\x1b[?7l${text}\x1b[?7h\x1b[J`)
    this.#height = shown.length
  }

  clear(): void {
    if (this.#height > 0) this.#stream.write(`${this.#home()}\x1b[J`)
    this.#height = 0
  }

  #home(): string {
    return this.#height > 0 ? `\x1b[${this.#height}A\r` : ''
  }
}
