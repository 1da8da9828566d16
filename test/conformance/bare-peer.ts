import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Program } from '../net/programs/program.ts'

const source = fileURLToPath(new URL('bare-peer.c', import.meta.url))
const flags = ['-std=c11', '-O2', '-pedantic', '-Wall', '-Wextra', '-Werror']

let folder: string | undefined
process.once('exit', () => folder && rmSync(folder, { recursive: true, force: true }))

function compiled(): string {
  if (folder) return join(folder, 'bare-peer')
  folder = mkdtempSync(join(tmpdir(), 'spillway-bare-peer-'))
  const program = join(folder, 'bare-peer')
  const { status, error, stderr } = spawnSync('cc', [...flags, '-o', program, source], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`cc: ${error ?? stderr}`)
  return program
}

export interface BareOptions {
  /** Default: any. */
  port?: number
  /** 0: whoever spoke to it last. */
  peer: number
  count?: number
  size?: number
  /** Every so many, one of `largeSize`. */
  largeEvery?: number
  largeSize?: number
  everyUs?: number
  /** The sequence to begin with. */
  first?: number
  fragment?: number
  quietMs?: number
  limitMs?: number
  echo?: boolean
}

/** `sent`, `received` and `acked` are packets that have a body. */
export interface BareCounters {
  sent: number
  received: number
  acked: number
  duplicates: number
  malformed: number
  stale: number
  fragments: number
  /** Packets that came in fragments. */
  fragmented: number
  echoed: number
  /** Packets whose body is not what another such peer, or `bareBody`, sends. */
  strange: number
}

/** The C program, from `start` on, until the test is over. */
export class BarePeer {
  readonly port: number
  readonly #program: Program

  private constructor(program: Program, port: number) {
    this.#program = program
    this.port = port
  }

  static async start({ port = 0, ...options }: BareOptions): Promise<BarePeer> {
    const args = Object.entries({ port, ...options }).flatMap(([name, value]) => {
      const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
      if (typeof value === 'boolean') return value ? [flag] : []
      return [flag, `${value}`]
    })
    const program = new Program(compiled(), args)
    const [, own] = await program.says(/^\{"port":(\d+)\}$/m)
    return new BarePeer(program, Number(own))
  }

  /** When it has sent all, and heard nothing for a while. */
  async counters(): Promise<BareCounters> {
    const code = await this.#program.exit()
    if (code !== 0) throw new Error(`bare-peer ended (${code}): ${this.#program.stderr}`)
    return JSON.parse(this.#program.stdout.trim().split('\n').at(-1)!)
  }
}

/** What the C program makes of headers: a line each of the bytes, and what it reads from them. */
export function headersInC(lines: readonly string[]): string[] {
  const { stdout } = spawnSync(compiled(), ['--headers'], {
    input: `${lines.join('\n')}\n`,
    encoding: 'utf8',
  })
  return stdout.trimEnd().split('\n')
}

/** The `index`-th body, as the C program makes and expects it. */
export function bareBody(index: number, length: number): Uint8Array {
  return new Uint8Array(length).map((_, at) => (at < 4 ? index >>> (8 * at) : index + 31 * at) & 0xff)
}
