import process from 'node:process'
import { SpillwayError } from '../core/errors.ts'

interface Deno {
  readonly permissions: {
    /** Asks whoever sits at the terminal, if anybody does. */
    requestSync(what: { name: 'net'; host: string }): { readonly state: string }
  }
}

interface Permission {
  has(what: 'net'): boolean
}

const { Deno: deno } = globalThis as { Deno?: Deno }
const { permission } = process as { permission?: Permission }
/** Of Node's flags those that forbid and permit. `--allow-natives-syntax` is V8's. */
const FLAG = /^--(experimental-)?permission|^--allow-(?!natives)/
const SWITCH = /^--(experimental-)?permission/

/**
 * What a thread of the program is started with: none of its flags but those that forbid and permit, without which it might do anything. Where these
 * stand elsewhere (in a configuration file), only a thread that takes over all has them.
 */
export function flagsForThread(): { execArgv?: string[]; env?: NodeJS.ProcessEnv } {
  if (permission !== undefined && !has(SWITCH)) return {}
  const execArgv = permissionsAmong(process.execArgv)
  const ofEnvironment = flagsOfEnvironment()
  if (ofEnvironment.length === 0) return { execArgv }
  return { execArgv, env: { ...process.env, NODE_OPTIONS: permissionsAmong(ofEnvironment).join(' ') } }
}

function permissionsAmong(args: readonly string[]): string[] {
  if (permission === undefined) return []
  let isBefore = false
  return args.filter((arg) => {
    // What begins with no dash is the value of the flag before it.
    const isValue = isBefore && !arg.startsWith('-')
    isBefore = FLAG.test(spelt(arg))
    return isBefore || isValue
  })
}

function has(flag: RegExp): boolean {
  return [...process.execArgv, ...flagsOfEnvironment()].some((arg) => flag.test(spelt(arg)))
}

/** As they stand there: what has spaces in it is quoted. Every thread of Node reads them. */
function flagsOfEnvironment(): string[] {
  if (deno !== undefined) return [] // which has others, and may forbid to look
  return process.env.NODE_OPTIONS?.match(/(?:"(?:\\.|[^"\\])*"|[^\s"])+/g) ?? []
}

/** Node takes underscores, too. */
function spelt(flag: string): string {
  return flag.replaceAll('"', '').replaceAll('_', '-')
}

/** Node's answer is that the net is forbidden also where it would only tell of it, and where it knows of no such permission. */
function isNetForbidden(): boolean {
  if (permission?.has('net') !== false) return false
  return process.allowedNodeEnvironmentFlags.has('--allow-net') && !has(/^--permission-audit$/)
}

/**
 * Throws where the runtime does not let the program use these places. It is asked beforehand, since Deno (`bind`) and Node (`listen`) throw it
 * from their event loop, where nobody can catch it: the thread would die of it.
 */
export function permitNet(...places: { readonly address: string; readonly port?: number }[]): void {
  if (deno !== undefined) {
    const denied = places.map(nameOf).filter((host) => !isGranted(deno, host))
    if (denied.length > 0)
      throw notPermitted('Deno', `--allow-net, or --allow-net=${denied.join(',')}`, denied)
    return
  }
  if (isNetForbidden()) throw notPermitted('Node', '--allow-net', places.map(nameOf))
}

function isGranted({ permissions }: Deno, host: string): boolean {
  try {
    return permissions.requestSync({ name: 'net', host }).state === 'granted'
  } catch {
    return true // It is no host: whatever is to be done with it fails, and says why.
  }
}

function nameOf({ address, port }: { readonly address: string; readonly port?: number }): string {
  const host = address.includes(':') ? `[${address}]` : address
  return port === undefined ? host : `${host}:${port}`
}

function notPermitted(runtime: string, flag: string, places: readonly string[]): SpillwayError {
  return new SpillwayError(
    'EACCES',
    `${runtime} does not let this program use ${places.join(' and ')}: run it with ${flag}`,
  )
}
