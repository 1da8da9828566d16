import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach } from 'vitest'

const entry = fileURLToPath(new URL('../../../dist/cli/index.js', import.meta.url))

const running = new Set<RunningCommand>()

/** No test leaves a process behind, whatever it has come to. */
afterEach(async () => {
  await Promise.all([...running].map((command) => command.kill('SIGKILL')))
})

export interface Ended {
  /** As a shell has it: of a process that a signal ended, none. */
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** The real command, in a process of its own. */
export class RunningCommand {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  readonly #stdout: Buffer[] = []
  readonly #lines: string[] = []
  #onLine: () => void = () => {}
  #onOutput: () => void = () => {}

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    const child = spawn(process.execPath, [entry, ...args], {
      stdio: 'pipe',
      env: { ...process.env, ...env },
    })
    this.child = child
    running.add(this)
    child.stdin.on('error', () => {}) // it may end before it has read everything
    child.stdout.on('data', (chunk: Buffer) => {
      this.#stdout.push(chunk)
      this.#onOutput()
    })
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.#lines.push(line)
      this.#onLine()
    })
    this.ended = once(child, 'close').then(([code]) => {
      running.delete(this)
      this.#onLine()
      this.#onOutput()
      return { code, stdout: Buffer.concat(this.#stdout), stderr: this.stderr }
    })
  }

  get stderr(): string {
    return this.#lines.map((line) => `${line}\n`).join('')
  }

  /** The first line of standard error that is as `pattern` says; rejects when the command ends without. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (let next = 0; ; ) {
      for (; next < this.#lines.length; next++) {
        const match = pattern.exec(this.#lines[next]!)
        if (match !== null) return match
      }
      if (!running.has(this)) throw new Error(`it never said ${pattern}, but:\n${this.stderr}`)
      await new Promise<void>((resolve) => {
        this.#onLine = resolve
      })
    }
  }

  /** What standard output has come to say; rejects when the command ends without. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(Buffer.concat(this.#stdout).toString())
      if (match !== null) return match
      if (!running.has(this)) throw new Error(`it never printed ${pattern}, but:\n${this.stderr}`)
      await new Promise<void>((resolve) => {
        this.#onOutput = resolve
      })
    }
  }

  input(data: string | Buffer): void {
    this.child.stdin!.end(data)
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal)
    await this.ended
  }
}

/** Starts it, gives it that input, and waits for its end. */
export function run(args: readonly string[], input: string | Buffer = ''): Promise<Ended> {
  const command = new RunningCommand(args)
  command.input(input)
  return command.ended
}

/** A collector that listens, on a port that the system chose. */
export async function collecting(...args: string[]): Promise<{ command: RunningCommand; port: number }> {
  const command = new RunningCommand(['collect', '--port', '0', '--json', ...args])
  const [, port] = await command.says(/"kind":"listening".*"port":(\d+)/)
  return { command, port: Number(port) }
}

export interface LedgerLine {
  readonly kind: string
  readonly [field: string]: unknown
}

/** The last object that was told in NDJSON. */
export function lastRecord(ndjson: string): LedgerLine {
  return JSON.parse(ndjson.trimEnd().split('\n').at(-1)!) as LedgerLine
}
