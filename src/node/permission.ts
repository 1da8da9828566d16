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

const { permission } = process as { permission?: Permission }
/** Where Node's permissions know nothing of the network they forbid none of it, and answer as if they did. */
const KNOWS_NET = process.allowedNodeEnvironmentFlags?.has('--allow-net') === true

/** Whether the program runs under Node's permissions, which a thread without its flags would not have. */
export const hasPermissions = permission !== undefined

const { Deno: deno } = globalThis as { Deno?: Deno }

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
  if (KNOWS_NET && permission?.has('net') === false)
    throw notPermitted('Node', '--allow-net', places.map(nameOf))
}

function isGranted({ permissions }: Deno, host: string): boolean {
  return permissions.requestSync({ name: 'net', host }).state === 'granted'
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
