import { invalid } from '../core/check.ts'
import { SpillwayError } from '../core/errors.ts'
import type { AddressFamily, Cancel, Clock, Endpoint, Resolver } from '../ports.ts'
import { ipFamily } from './ip.ts'

export interface AddressesOptions {
  readonly host: string
  readonly port: number
  /** Only addresses of this family. */
  readonly family?: AddressFamily | undefined
  readonly resolver: Resolver
  readonly clock: Clock
  /** How old an answer may get before it is asked for again. */
  readonly refreshMs: number
  /** How long an answer may take. */
  readonly timeoutMs: number
  onChange(endpoint: Endpoint): void
  onFailure(code: string): void
}

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 60_000

/** A reason as the resolver's own errors have it. */
class ResolverError extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

/**
 * Where an exporter's peer is. Asked up front; then again in the background, one question at a time and only when something
 * is sent. Until there is another answer, the last one holds.
 */
export class Addresses {
  /** Questions put to the resolver, those that failed, and answers that moved us to another address. */
  resolves = 0
  failures = 0
  changes = 0
  readonly #options: AddressesOptions
  readonly #isLiteral: boolean
  #current: Endpoint | undefined
  #isAsking = false
  #isClosed = false
  /** Gives up the open question. */
  #giveUp: ((code: string) => void) | undefined
  /** When the last question was answered or given up. */
  #settledMs = Number.NEGATIVE_INFINITY
  /** Not to be asked again before. */
  #nextMs = 0
  /** The peer is suspected dead since the last question. */
  #isSuspect = false
  /** Questions in a row that failed, or were asked because of a dead peer: each waits twice as long as the one before. */
  #troubles = 0

  constructor(options: AddressesOptions) {
    const { host, port, family } = options
    this.#options = options
    const literal = ipFamily(host)
    this.#isLiteral = literal !== undefined
    if (literal === undefined) return
    if (family !== undefined && family !== literal) {
      throw invalid(`host ${host} is an IPv${literal} address, but family is ${family}: leave family out`)
    }
    this.#current = { address: host, port, family: literal }
  }

  /** Asks up front. Rejects with `ERR_UNRESOLVED`; `cause.code` is what the resolver said. */
  async resolve(): Promise<Endpoint> {
    if (this.#current !== undefined) return this.#current
    try {
      this.#current = await this.#ask()
      return this.#current
    } catch (cause) {
      if (cause instanceof SpillwayError) throw cause
      throw unresolved(this.#options.host, codeOf(cause), cause)
    }
  }

  /** The address as last known. `resolve()` must have been awaited. */
  get current(): Endpoint {
    if (this.#current === undefined)
      throw new SpillwayError('ERR_UNRESOLVED', 'no address is known yet: await resolve() first')
    return this.#current
  }

  /** Something is sent. Asks again if the last answer is too old; there is no timer, so that an idle exporter asks nothing. */
  touch(): void {
    if (this.#isLiteral || this.#isAsking || this.#isClosed) return
    if (this.#options.clock.now() >= this.#nextMs) void this.#refresh()
  }

  /** The peer seems dead; perhaps it has moved. Asks soon: at once, then after 1, 2, 4 ... 60 s if it stays so. */
  suspect(): void {
    if (this.#isAsking) return
    this.#isSuspect = true
    this.#nextMs = Math.min(this.#nextMs, this.#settledMs + this.#pauseMs())
    this.touch()
  }

  /** An open question is given up. Idempotent. */
  close(): void {
    this.#isClosed = true
    this.#giveUp?.('ECANCELED')
  }

  async #refresh(): Promise<void> {
    const before = this.current
    const isSuspect = this.#isSuspect
    this.#isSuspect = false
    let endpoint: Endpoint
    try {
      endpoint = await this.#ask()
    } catch (error) {
      this.#failed(error)
      return
    }
    this.#troubles = isSuspect ? this.#troubles + 1 : 0
    if (endpoint === before || this.#isClosed) return
    this.#current = endpoint
    this.changes++
    this.#options.onChange(endpoint)
  }

  #failed(error: unknown): void {
    if (this.#isClosed) return
    this.#troubles++
    this.#nextMs = this.#settledMs + this.#pauseMs()
    this.#options.onFailure(codeOf(error))
  }

  /** One question, for as long as it may take: an answer that comes after that is not looked at. */
  async #ask(): Promise<Endpoint> {
    const { clock, refreshMs, timeoutMs } = this.#options
    let cancel: Cancel | undefined
    this.#isAsking = true
    this.resolves++
    try {
      const tooLate = new Promise<never>((_, reject) => {
        this.#giveUp = (code) => reject(new ResolverError(code))
        cancel = clock.after(timeoutMs, () => this.#giveUp?.('ETIMEDOUT'))
      })
      const endpoint = await Promise.race([this.#question(), tooLate])
      this.#nextMs = clock.now() + refreshMs
      return endpoint
    } catch (error) {
      if (!this.#isClosed) this.failures++
      throw error
    } finally {
      cancel?.()
      this.#settledMs = clock.now()
      this.#giveUp = undefined
      this.#isAsking = false
    }
  }

  /** The address we have, if it is still among the answers: resolvers turn their answers round, and sockets cost something. */
  async #question(): Promise<Endpoint> {
    const { host, port, family, resolver } = this.#options
    const answers = await resolver.resolve(host, family)
    const fitting = answers.filter((answer) => family === undefined || answer.family === family)
    const first = fitting[0]
    if (first === undefined) throw new ResolverError('ENOTFOUND')
    const known = this.#current
    if (known !== undefined && fitting.some(({ address }) => address === known.address)) return known
    return { address: first.address, port, family: first.family }
  }

  #pauseMs(): number {
    if (this.#troubles === 0) return 0
    return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#troubles - 1))
  }
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : 'EOTHER'
}

function unresolved(host: string, code: string, cause: unknown): SpillwayError {
  return new SpillwayError('ERR_UNRESOLVED', `no address was found for ${host}: ${adviceFor(code)}`, {
    cause,
  })
}

function adviceFor(code: string): string {
  switch (code) {
    case 'ENOTFOUND':
      return 'the resolver knows no such host (ENOTFOUND). Check the name and family, or give an IP address'
    case 'EAI_AGAIN':
      return 'the name server does not answer (EAI_AGAIN). Check the network, or give an IP address'
    case 'ETIMEDOUT':
      return 'the resolver took too long (ETIMEDOUT). Check the name server, or give an IP address'
    case 'EPERM':
      return 'the process may not use the network (EPERM). In Deno, run it with --allow-net'
    case 'ECANCELED':
      return 'it was closed meanwhile (ECANCELED)'
    default:
      return `the resolver failed with ${code}. Check the name, or give an IP address`
  }
}
