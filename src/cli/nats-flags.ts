import type { Sink } from '../node/collector.ts'
import { starting, usageError } from './exit.ts'
import { bytes, text, type Values } from './flags.ts'

export const natsFlags = {
  to: text(
    '<url>',
    'Where the lines go instead: nats://<host>:<port>/<stream>, acknowledged by the server. A stream that is not there is made.',
    undefined,
  ),
  subject: text(
    '<subject>',
    'Of the stream; {source} in it is the exporter. Default: <stream>.lines.',
    undefined,
  ),
  'nats-creds': text('<file>', 'Credentials for NATS, as nsc makes them.', undefined),
  'nats-ca': text('<file>', 'The certificate of who has signed that of the server.', undefined),
  spool: text('<folder>', 'Keeps lines there while NATS cannot be reached, also over a restart.', undefined),
  'spool-bytes': bytes({ from: 2 ** 16, to: 2 ** 50 }, 'The most that the spool may have.', '1G'),
}

const OF_NATS = ['subject', 'nats-creds', 'nats-ca', 'spool'] as const

/** What `--to` names; `undefined` without it. Loads the NATS client only then. */
export async function natsSink(values: Values<typeof natsFlags>): Promise<Sink | undefined> {
  const { to, subject, spool, 'spool-bytes': maxBytes } = values
  if (to === undefined) {
    const lone = OF_NATS.find((name) => values[name] !== undefined)
    if (lone !== undefined) throw usageError(`--${lone} is for --to nats://…`)
    return undefined
  }
  const { jetStreamSink } = await import('../integrations/nats.ts')
  const url = urlOf(to)
  const options = {
    stream: streamOf(to),
    connect: { servers: url.host, ...(await starting(secretsOf(url, values))) },
    ...(subject !== undefined && { subject }),
    ...(spool !== undefined && { spool: { dir: spool, maxBytes } }),
  }
  return starting((async () => jetStreamSink(options))())
}

/** The stream that a URL names. */
export function streamOf(to: string): string {
  const stream = decodeURIComponent(urlOf(to).pathname.slice(1))
  if (stream === '') throw usageError(`--to names no stream: nats://127.0.0.1:4222/EVENTS`)
  return stream
}

function urlOf(to: string): URL {
  const url = URL.canParse(to) ? new URL(to) : undefined
  if (url === undefined || !['nats:', 'tls:'].includes(url.protocol) || url.host === '')
    throw usageError(`--to is a URL such as nats://127.0.0.1:4222/EVENTS, not '${to}'`)
  return url
}

async function secretsOf(
  { username, password, protocol }: URL,
  { 'nats-creds': creds, 'nats-ca': caFile }: Values<typeof natsFlags>,
): Promise<object> {
  const { natsCredentials } = await import('../integrations/nats/credentials.ts')
  return {
    ...(username !== '' && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    ...(creds !== undefined && { authenticator: await natsCredentials(creds) }),
    ...(caFile !== undefined ? { tls: { caFile } } : protocol === 'tls:' ? { tls: {} } : {}),
  }
}
