import { readFile } from 'node:fs/promises'
import type { Authenticator } from '@nats-io/transport-node'
import { invalid } from '../../core/check.ts'

/** From a file as `nsc` makes them. */
export async function natsCredentials(path: string): Promise<Authenticator> {
  const { credsAuthenticator } = await import('@nats-io/transport-node')
  try {
    return credsAuthenticator(new Uint8Array(await readFile(path)))
  } catch (cause) {
    throw invalid(`the credentials in '${path}' cannot be read: ${String(cause)}`, { cause })
  }
}
