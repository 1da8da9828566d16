import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { checkHost } from '../core/check.ts'
import type { AddressFamily, Resolver } from '../ports.ts'
import { permitNet } from './permission.ts'

/**
 * The system's own resolver: hosts file, name server, whatever else it is set up to ask. Answers come in its order. An error
 * has its `code` (ENOTFOUND, EAI_AGAIN, ...).
 */
export const systemResolver: Resolver = {
  async resolve(host, family) {
    checkHost('host', host)
    if (isIP(host) === 0) permitNet({ address: host })
    const answers = await lookup(host, { all: true, verbatim: true, family: family ?? 0 })
    return answers.map((answer) => ({ address: answer.address, family: answer.family as AddressFamily }))
  },
}
