import { isIPv6 } from 'node:net'
import { parseEndpoint } from '../endpoint.ts'
import { usageError } from '../exit.ts'

export interface Place {
  readonly host: string
  /** `undefined`: only the way there is looked at. */
  readonly port: number | undefined
}

/** `host`, `host:port`, `[v6]:port`; a v6 address alone needs no brackets. */
export function parsePlace(text: string): Place {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text
  if (isIPv6(bare.replace(/%.*$/, ''))) return { host: bare, port: undefined }
  if (/[\s[\]/]/.test(bare) || bare === '') {
    if (!/^\[[^\]]+\]:\d+$/.test(text))
      throw usageError(`a target is host, host:port or [v6 address]:port, not '${text}'`)
  }
  return text.includes(':') ? parseEndpoint(text) : { host: bare, port: undefined }
}
