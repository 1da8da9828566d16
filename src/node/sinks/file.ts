import { invalid, numberOption } from '../../core/check.ts'
import { SpillwayError } from '../../core/errors.ts'
import type { Lines } from '../../net/lines.ts'
import { PartlyWritten, type Sink, type SinkContext } from '../../net/sink.ts'
import { RotatingFile } from './rotating-file.ts'

/** When a file is rotated, and how many are kept. */
export interface FileSinkOptions {
  /** A file that would grow beyond this is renamed, and a new one begun. Default 64 MiB. */
  maxBytes?: number
  /** Renamed files that are kept: `path.1` (the latest) to `path.<maxFiles>`. Default 5. */
  maxFiles?: number
  /** A file that is older is renamed, too, when the next lines come. Default: none is. */
  maxAgeMs?: number
  /** What was written is brought to the disk after so long (`fdatasync`). Default: when the system sees fit, and at close. */
  flushMs?: number
  /** How often a batch that could not be written is tried again before it counts as failed. Default 5. */
  retries?: number
  /** The pause before the first try; it doubles with each, up to thirty times as long. Default 1000. */
  retryMs?: number
  /** Default `'file'`. */
  name?: string
}

/** Conditions that pass: the collector opens nevertheless, and the sink tries again. */
const PASSING = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EBUSY', 'EAGAIN', 'EMFILE', 'ENFILE'])
const LONGEST_PAUSE = 30
const NEWLINE = 0x0a

const advice: Readonly<Record<string, string>> = {
  EACCES: 'it is not permitted: check the rights of the file and its folder',
  EISDIR: 'it is a folder: name a file in it',
  ENOENT: 'its folder is not there: make it first',
  ENOTDIR: 'a part of its path is no folder',
  EROFS: 'the file system is read-only',
}

/** Lines to a file that rotates. Appends to what is there. */
export function fileSink(path: string, options: FileSinkOptions = {}): Sink {
  return new FileSink(path, check(path, options))
}

type Checked = Required<Omit<FileSinkOptions, 'name'>> & { name: string }

class FileSink implements Sink {
  readonly name: string
  readonly #path: string
  readonly #options: Checked
  readonly #file: RotatingFile
  #context: SinkContext | undefined
  /** Tries in a row that failed. */
  #failures = 0
  #flushTimer: ReturnType<typeof setTimeout> | undefined
  /** Writing and timed flushes, one after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(path: string, options: Checked) {
    this.name = options.name
    this.#path = path
    this.#options = options
    this.#file = new RotatingFile(path, options)
  }

  async open(context: SinkContext): Promise<void> {
    this.#context = context
    try {
      await this.#file.open()
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException
      if (PASSING.has(code)) return this.#failed(error)
      throw new SpillwayError(
        'ERR_SINK',
        `the file '${this.#path}' cannot be opened (${code}): ${advice[code] ?? message}`,
        { cause: error },
      )
    }
  }

  write(lines: Lines): Promise<void> {
    return this.#inTurn(() => this.#write(lines.bytes))
  }

  flush(): Promise<void> {
    return this.#inTurn(() => this.#file.sync())
  }

  async close(): Promise<void> {
    clearTimeout(this.#flushTimer)
    await this.#inTurn(() => this.#file.close())
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let tries = 0, done = 0; ; tries++) {
      const isLast = tries >= this.#options.retries || this.#isClosing()
      try {
        while (done < bytes.length) done += await this.#file.append(bytes.subarray(done))
        return this.#succeeded()
      } catch (error) {
        this.#failed(error)
        if (isLast) throw new PartlyWritten(linesIn(bytes.subarray(0, done)), error)
      }
      await this.#pause()
    }
  }

  #succeeded(): void {
    if (this.#failures > 0) this.#context?.report(`'${this.#path}' can be written to again`)
    this.#failures = 0
    const { flushMs } = this.#options
    if (flushMs === Number.POSITIVE_INFINITY || this.#flushTimer !== undefined) return
    this.#flushTimer = setTimeout(() => {
      this.#flushTimer = undefined
      this.flush().catch((error) => this.#failed(error))
    }, flushMs).unref()
  }

  /** Said once, until it works again. */
  #failed(error: unknown): void {
    if (this.#failures++ > 0) return
    const { code, message } = error as NodeJS.ErrnoException
    this.#context?.report(`'${this.#path}' cannot be written to: ${advice[code ?? ''] ?? message}`, code)
  }

  #isClosing(): boolean {
    return this.#context?.closing.aborted === true
  }

  /** Longer each time, and cut short when the collector closes. */
  #pause(): Promise<void> {
    const { retryMs } = this.#options
    const ms = retryMs * Math.min(LONGEST_PAUSE, 2 ** (this.#failures - 1))
    const closing = this.#context?.closing
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        closing?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      if (closing?.aborted) done()
      else closing?.addEventListener('abort', done)
    })
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act)
    this.#turn = turn.catch(() => {})
    return turn
  }
}

function linesIn(bytes: Uint8Array): number {
  let lines = 0
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines++
  return lines
}

function check(path: unknown, options: FileSinkOptions): Checked {
  if (typeof path !== 'string' || path === '') throw invalid('fileSink takes the path of a file')
  return {
    name: options.name ?? 'file',
    maxBytes: numberOption(options, 'maxBytes', 64 * 2 ** 20, 1),
    maxFiles: numberOption(options, 'maxFiles', 5, 1),
    maxAgeMs: numberOption(options, 'maxAgeMs', Number.POSITIVE_INFINITY, 1),
    flushMs: numberOption(options, 'flushMs', Number.POSITIVE_INFINITY, 0),
    retries: numberOption(options, 'retries', 5, 0),
    retryMs: numberOption(options, 'retryMs', 1000, 0),
  }
}
