import { checkHost, checkInteger } from '../../core/check.ts'
import { type ErrorCode, SpillwayError } from '../../core/errors.ts'
import type { AddressFamily, Endpoint, Resolver } from '../../ports.ts'

/** Where to listen, or to send from. */
export async function resolveLocal(
  resolver: Resolver,
  host: string,
  port: number,
  family?: AddressFamily,
): Promise<Endpoint> {
  return { ...(await resolve(resolver, host, family)), port }
}

export async function resolve(
  resolver: Resolver,
  host: string,
  family?: AddressFamily,
): Promise<{ address: string; family: AddressFamily }> {
  let why = 'no address'
  try {
    const [first] = await resolver.resolve(host, family)
    if (first !== undefined) return first
  } catch (cause) {
    why = (cause as { code?: string }).code ?? String(cause)
  }
  throw new SpillwayError(
    'ERR_UNRESOLVED',
    `the host '${host}' has no address (${why}): check the name, or give an IP address`,
  )
}

/** Throws for what can be no place of this machine, or of another. */
export function checkPlace(
  {
    host,
    port,
    socketBufferBytes = 0,
  }: { host: unknown; port: unknown; socketBufferBytes?: number | undefined },
  leastPort: number,
): void {
  checkHost('host', host)
  checkInteger('port', port, leastPort, 65_535)
  checkInteger('socketBufferBytes', socketBufferBytes, 0, 2 ** 31 - 1)
}

const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program is there: stop it, or choose another port (0: the system chooses)',
  EACCES: 'it is not permitted: ports below 1024 need privileges, choose one above',
  EADDRNOTAVAIL: "it is no address of this machine: use one of its own, or '0.0.0.0' or '::' for all of them",
}

export function bindError(error: unknown, { address, port }: Endpoint): SpillwayError {
  if (error instanceof SpillwayError) return error
  const { code, message } = error as { code?: string; message: string }
  const known = advice[code ?? '']
  return new SpillwayError(
    known === undefined ? 'ERR_BIND' : (code as ErrorCode),
    `gudp cannot use ${address} port ${port} (${code ?? message}): ${known ?? 'check host and port'}`,
    { cause: error },
  )
}
