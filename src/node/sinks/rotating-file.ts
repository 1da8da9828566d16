import { type FileHandle, open, rename, rm } from 'node:fs/promises'

export interface RotatingFileOptions {
  readonly maxBytes: number
  /** Of those that were renamed. */
  readonly maxFiles: number
  readonly maxAgeMs: number
}

const NEWLINE = 0x0a
const aNewline = Uint8Array.of(NEWLINE)

/**
 * A file that is appended to, and renamed when it is full: `path` to `path.1`, that to `path.2`, up to `path.<maxFiles>`, whose
 * predecessor is deleted. A line is never split over two files, nor left half written.
 */
export class RotatingFile {
  readonly #path: string
  readonly #options: RotatingFileOptions
  #file: FileHandle | undefined
  #bytes = 0
  #bornMs = 0
  /** No device, no pipe: has a size, can be cut and renamed. */
  #isRegular = true

  constructor(path: string, options: RotatingFileOptions) {
    this.#path = path
    this.#options = options
  }

  /** Opens the file unless it is open. What it has stays. */
  async open(): Promise<void> {
    if (this.#file !== undefined) return
    const file = await open(this.#path, 'a+')
    try {
      const stat = await file.stat()
      this.#isRegular = stat.isFile()
      this.#bytes = this.#isRegular ? stat.size : 0
      this.#bornMs = this.#bytes > 0 ? stat.birthtimeMs || stat.mtimeMs : Date.now()
      if (this.#bytes > 0) await this.#endLastLine(file)
    } catch (error) {
      await closeQuietly(file)
      throw error
    }
    this.#file = file
  }

  /**
   * Appends as many of the whole lines as this file is to have, at least one; the rest is for another call. Answers how
   * many bytes. When it rejects the file is as it was before.
   */
  async append(lines: Uint8Array): Promise<number> {
    await this.open()
    let room = this.#roomFor(lines)
    if (this.#isRegular && this.#bytes > 0 && (room === 0 || this.#isOld())) {
      await this.#rotate()
      room = this.#roomFor(lines)
    }
    const chunk = lines.subarray(0, room || lines.indexOf(NEWLINE) + 1)
    await this.#write(chunk)
    return chunk.length
  }

  /** What was written is on the disk. */
  async sync(): Promise<void> {
    if (this.#isRegular) await this.#file?.datasync()
  }

  async close(): Promise<void> {
    const file = this.#file
    if (file === undefined) return
    this.#file = undefined
    try {
      if (this.#isRegular) await file.sync()
    } finally {
      await file.close()
    }
  }

  /** A program that was stopped in the middle of a line: the next line is not to be glued to what there is of it. */
  async #endLastLine(file: FileHandle): Promise<void> {
    const last = new Uint8Array(1)
    await file.read(last, 0, 1, this.#bytes - 1)
    if (last[0] !== NEWLINE) {
      await writeAll(file, aNewline)
      this.#bytes++
    }
  }

  /** How many bytes of whole lines there is room for. */
  #roomFor(lines: Uint8Array): number {
    const room = this.#options.maxBytes - this.#bytes
    if (!this.#isRegular || lines.length <= room) return lines.length
    return room > 0 ? lines.lastIndexOf(NEWLINE, room - 1) + 1 : 0
  }

  #isOld(): boolean {
    return Date.now() - this.#bornMs >= this.#options.maxAgeMs
  }

  async #write(chunk: Uint8Array): Promise<void> {
    const file = this.#file!
    try {
      await writeAll(file, chunk)
      this.#bytes += chunk.length
    } catch (error) {
      if (this.#isRegular) await file.truncate(this.#bytes).catch(() => {})
      this.#file = undefined // opened anew at the next try: it may be another file by then
      await closeQuietly(file)
      throw error
    }
  }

  async #rotate(): Promise<void> {
    await this.close()
    const { maxFiles } = this.#options
    const numbered = (n: number) => `${this.#path}.${n}`
    await rm(numbered(maxFiles), { force: true })
    for (let n = maxFiles - 1; n > 0; n--) await renameIfThere(numbered(n), numbered(n + 1))
    await renameIfThere(this.#path, numbered(1))
    await this.open()
  }
}

/** The system may take less than it was given: a full disk says so at the write after. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let from = 0; from < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, from, bytes.length - from)
    from += bytesWritten
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

async function closeQuietly(file: FileHandle): Promise<void> {
  await file.close().catch(() => {})
}
