/**
 * Programs that nobody here wrote, and workers to speak with them: each is started by a test, and ended with it.
 *
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { SocketServer } from 'spillway/sockets'
import { describe, it, onTestFinished } from 'vitest'

/** Another may take a port between its choice and its use. */
const ATTEMPTS = 3

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

// ---- what there is -------------------------------------------------------------------------------------

/** The tests of `body` need these programs; where one is missing they are skipped, and say so, or fail where it must be there. */
export function describeWith(names: readonly string[], title: string, body: () => void): void {
  const missing = names.filter((name) => pathOf(name) === undefined) // of nc: the one of OpenBSD
  if (missing.length === 0) return void describe(title, body)
  const reason = `not installed: ${missing.join(', ')}`
  if (process.env.SPILLWAY_PROGRAMS === 'required')
    return void it(title, () => {
      throw new Error(`${reason}; .ci/run installs it`)
    })
  console.warn(`${title}: skipped, ${reason}`)
  describe.skip(`${title} (skipped, ${reason})`, body)
}

/** Servers are not in everybody's PATH; what cannot be installed beside another .ci/run has unpacked. */
const folders = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/sbin',
  '/usr/local/sbin',
  fileURLToPath(new URL('../../../.cache/agents/usr/sbin', import.meta.url)),
]

export function pathOf(name: string): string | undefined {
  const path = folders.map((folder) => join(folder, name)).find(isExecutable)
  return path !== undefined && name === 'nc' && !isOpenBsdNetcat(path) ? undefined : path
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The others have no `-N`. */
function isOpenBsdNetcat(path: string): boolean {
  return String(spawnSync(path, ['-h']).stderr).includes('OpenBSD')
}

// ---- programs ------------------------------------------------------------------------------------------

export class Program {
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  /** What it has said so far: its output, and what it says of itself. */
  stdout = ''
  stderr = ''
  #check: () => void = () => {}

  /** Runs until the test is over. */
  constructor(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const child = spawn(pathOf(name) ?? name, args, { stdio: 'pipe', env: { ...process.env, ...env } })
    this.#child = child
    running.add(child)
    this.#ended = new Promise((resolve) => {
      child.once('error', () => resolve(null))
      child.once('close', resolve)
    })
    for (const name of ['stdout', 'stderr'] as const)
      child[name]!.setEncoding('latin1').on('data', (chunk: string) => {
        this[name] += chunk
        this.#check()
      })
    child.stdin!.on('error', () => {}) // it has ended, and the test will see that
    onTestFinished(() => this.end())
  }

  /** What the pattern finds in what it says, on either of its outputs. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    let over: number | null | undefined
    for (;;) {
      const found = pattern.exec(this.stdout) ?? pattern.exec(this.stderr)
      if (found !== null) return found
      if (over !== undefined)
        throw new Error(`${this.#child.spawnfile} ended (${over}) without ${pattern}: ${this.stderr}`)
      over = await Promise.race([
        this.#ended,
        new Promise<undefined>((resolve) => {
          this.#check = () => resolve(undefined)
        }),
      ])
    }
  }

  write(data: string | Uint8Array): void {
    this.#child.stdin!.write(data)
  }

  /** The end of its input. */
  shut(data: string | Uint8Array = ''): void {
    this.#child.stdin!.end(data)
  }

  /** Its exit code, when it has come to its end by itself. */
  exit(): Promise<number | null> {
    return this.#ended
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
    running.delete(this.#child)
  }
}

/** A server that cannot choose a port by itself, on one that was free a moment ago; listens when it says so. */
export async function startServer(
  name: string,
  args: (port: number) => readonly string[],
  ready: RegExp,
): Promise<{ program: Program; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const program = new Program(name, args(port))
    try {
      await program.says(ready)
      return { program, port }
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
    }
  }
}

/** Free for TCP and for UDP, on loopback. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const socket = createSocket('udp4')
    const isFree = await new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(false)).bind(port, '127.0.0.1', () => resolve(true))
    })
    await Promise.all([closed(server), closed(socket)])
    if (isFree) return port
  }
}

function closed(socket: { close(done: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => void socket.close(resolve))
}

/** Runs a program to its end: its output, and its exit code. */
export async function output(name: string, args: readonly string[], input: string | Uint8Array = '') {
  const child = spawn(pathOf(name) ?? name, args, { stdio: 'pipe' })
  running.add(child)
  onTestFinished(() => void child.kill('SIGKILL'))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [stdout, stderr, [code]] = await Promise.all([
    bytesOf(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  running.delete(child)
  return { stdout, stderr, code: code as number | null }
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

// ---- workers -------------------------------------------------------------------------------------------

/** A file of this folder in a worker with a socket server of its own. When the test is over the server stops, and so the worker ends. */
export async function startWorker<Said>(file: string, task: object): Promise<{ next(): Promise<Said> }> {
  const server = await SocketServer.start()
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: { ...task, handle: server.handle },
  })
  const exited = once(worker, 'exit')
  const said: Said[] = []
  let error: Error | undefined
  let wake = () => {}
  worker.on('message', (message) => {
    said.push(message)
    wake()
  })
  worker.on('error', (thrown) => {
    error = thrown as Error
    wake()
  })
  void exited.catch(() => {}).then(() => wake())
  onTestFinished(async () => {
    await server.stop()
    await exited.catch(() => {})
    if (error !== undefined) throw error
  })
  return {
    async next() {
      for (;;) {
        if (said.length > 0) return said.shift()!
        if (error !== undefined) throw error
        if (worker.threadId === -1) throw new Error(`${file} has ended, and says no more`)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}
