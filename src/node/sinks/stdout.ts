import process from 'node:process'
import type { Writable } from 'node:stream'
import type { Lines } from '../../net/lines.ts'
import type { Sink, SinkContext } from '../../net/sink.ts'

/** Which stream, and its name in the figures. */
export interface StdoutSinkOptions {
  /** Instead of `process.stdout`: `process.stderr`, or any stream of bytes. It is not ended. */
  stream?: Writable
  /** Default `'stdout'`. */
  name?: string
}

/**
 * Lines to stdout, one batch at a time, as fast as its reader takes them. When the reader has gone (`| head`), that is said once,
 * and every line from then on counts as failed.
 */
export function stdoutSink(options: StdoutSinkOptions = {}): Sink {
  return new StreamSink(options.stream ?? process.stdout, options.name ?? 'stdout')
}

class StreamSink implements Sink {
  readonly name: string
  readonly #stream: Writable
  #context: SinkContext | undefined
  #broken: Error | undefined
  #pending: ((error: Error) => void) | undefined

  constructor(stream: Writable, name: string) {
    this.#stream = stream
    this.name = name
  }

  open(context: SinkContext): void {
    this.#context = context
    this.#stream.on('error', this.#failed)
  }

  /** Resolves when the stream has passed the batch on. */
  write(lines: Lines): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== undefined) return reject(this.#broken)
      this.#pending = reject
      this.#stream.write(lines.bytes, (error) => {
        this.#pending = undefined
        if (error) reject(error)
        else resolve()
      })
    })
  }

  close(): void {
    this.#stream.off('error', this.#failed)
  }

  /** Without a listener it would end the process. */
  readonly #failed = (error: NodeJS.ErrnoException): void => {
    if (this.#broken === undefined) {
      const what =
        error.code === 'EPIPE' ? 'its reader has gone' : `it cannot be written to: ${error.message}`
      this.#context?.report(`${this.name}: ${what}`, error.code)
    }
    this.#broken = error
    this.#pending?.(error)
  }
}
