/**
 * rsyslog and syslog-ng as they are installed, or as .ci/run has unpacked them, with the configurations of docs/agents.md.
 *
 * @module
 */
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { kernelDrops } from '../../../src/node/kernel-drops.ts'
import { freePort, Program, pathOf } from '../programs/program.ts'

const docs = readFileSync(fileURLToPath(new URL('../../../docs/agents.md', import.meta.url)), 'utf8')

/** What stands in the document for what the test chooses. */
const PORT = '5140'
const FILE = '/var/log/spillway.ndjson'

const ATTEMPTS = 3
const LOOK_AGAIN_MS = 10
/** Longer than any agent keeps lines to itself. */
const PATIENCE_MS = 20_000

interface Kind {
  readonly program: string
  args(folder: string, home: string): readonly string[]
  env(home: string): Readonly<Record<string, string>>
}

export const kinds = {
  rsyslog: {
    program: 'rsyslogd',
    args: (folder, home) => {
      const modules = join(home, 'lib', `${machineOf(home)}`, 'rsyslog')
      return ['-n', '-f', join(folder, 'conf'), '-i', join(folder, 'pid'), '-M', modules]
    },
    env: () => ({}),
  },
  'syslog-ng': {
    program: 'syslog-ng',
    args: (folder, home) => {
      const libraries = join(home, 'lib', 'syslog-ng')
      const [version] = readdirSync(libraries).filter((name) => /^\d+\.\d+$/.test(name))
      const own = ['conf', 'persist', 'pid', 'ctl'].map((name) => join(folder, name))
      const [conf, persist, pid, ctl] = own as [string, string, string, string]
      const modules = `--module-path=${join(libraries, version ?? '')}`
      return ['--foreground', '--stderr', '-f', conf, '-R', persist, '-p', pid, '-c', ctl, modules]
    },
    env: (home) => ({ LD_LIBRARY_PATH: join(home, 'lib', 'syslog-ng') }),
  },
} as const satisfies Record<string, Kind>

export type AgentName = keyof typeof kinds

/** `x86_64-linux-gnu`, where there is such a folder. */
function machineOf(home: string): string {
  return readdirSync(join(home, 'lib')).find((name) => /-linux-gnu/.test(name)) ?? ''
}

/** The block of the document, listening at `port` and writing to `file`. */
export function configurationOf(name: AgentName, port: number, file: string): string {
  const block = new RegExp(`^\`\`\`${name}\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(docs)?.[1]
  if (block === undefined) throw new Error(`docs/agents.md has no block \`\`\`${name}`)
  for (const placeholder of [PORT, FILE])
    if (block.split(placeholder).length !== 2) throw new Error(`it has ${placeholder} not once`)
  return block.replace(PORT, String(port)).replace(FILE, file)
}

export class Agent {
  readonly port: number
  readonly #program: Program
  readonly #file: string
  readonly #chunks: Buffer[] = []
  #descriptor: number | undefined
  #count = 0

  private constructor(program: Program, port: number, file: string) {
    this.#program = program
    this.port = port
    this.#file = file
    onTestFinished(() => {
      if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    })
  }

  /** Listens when it answers. `change` makes another configuration of it. */
  static async start(
    name: AgentName,
    change: (configuration: string) => string = (same) => same,
  ): Promise<Agent> {
    const kind = kinds[name]
    const home = dirname(dirname(pathOf(kind.program)!))
    for (let attempt = 1; ; attempt++) {
      const folder = mkdtempSync(join(tmpdir(), 'spillway-agent-'))
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
      const port = await freePort()
      const file = join(folder, 'lines')
      writeFileSync(join(folder, 'conf'), change(configurationOf(name, port, file)))
      const program = new Program(kind.program, kind.args(folder, home), kind.env(home))
      if (await isListening(program, port)) return new Agent(program, port, file)
      if (attempt === ATTEMPTS) throw new Error(`${name} does not listen: ${program.stderr}${program.stdout}`)
      await program.end()
    }
  }

  /** Until its file has so many lines; or why it has not. */
  async has(count: number, patienceMs = PATIENCE_MS): Promise<void> {
    let untilMs = performance.now() + patienceMs
    while (this.#count < count) {
      if (this.#read()) untilMs = performance.now() + patienceMs
      else if (performance.now() < untilMs) await delay(LOOK_AGAIN_MS)
      else {
        const dropped = `the kernel dropped ${this.kernelDrops} datagrams before it`
        throw new Error(
          `${this.#count} of ${count} lines are there; ${dropped}; it says: ${this.#program.stderr}`,
        )
      }
    }
  }

  async lines(count: number): Promise<string[]> {
    await this.has(count)
    return Buffer.concat(this.#chunks).toString().split('\n').slice(0, -1)
  }

  /** What is new in the file; whether something is. */
  #read(): boolean {
    this.#descriptor ??= existsSync(this.#file) ? openSync(this.#file, 'r') : undefined
    if (this.#descriptor === undefined) return false
    const chunk = Buffer.alloc(1 << 20)
    const bytes = readSync(this.#descriptor, chunk)
    if (bytes === 0) return false
    const fresh = chunk.subarray(0, bytes)
    this.#chunks.push(fresh)
    for (let at = fresh.indexOf(0x0a); at >= 0; at = fresh.indexOf(0x0a, at + 1)) this.#count++
    return true
  }

  /** Stops in the middle of what it does, until it goes on. */
  pause(): void {
    this.#program.signal('SIGSTOP')
  }

  goOn(): void {
    this.#program.signal('SIGCONT')
  }

  /** Datagrams that its socket had no room for. */
  get kernelDrops(): number | undefined {
    return kernelDrops(this.port)
  }
}

/** Neither of them says so by itself; the system does. */
async function isListening(program: Program, port: number): Promise<boolean> {
  let isOver = false
  void program.exit().then(() => {
    isOver = true
  })
  const untilMs = performance.now() + PATIENCE_MS
  while (!isOver && performance.now() < untilMs) {
    if (kernelDrops(port) !== undefined) return true
    await delay(LOOK_AGAIN_MS)
  }
  return false
}
