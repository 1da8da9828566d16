import type { SecurityPort } from '../../ports.ts'
import { isSame, type U64, u64At } from './bytes.ts'

const CHALLENGE_EVERY_MS = 250
const VALID_MS = 5000
/** More addresses at once than a peer can have; the oldest goes. */
const MAX_CANDIDATES = 4

export interface Place {
  readonly address: string
  readonly port: number
}

interface Candidate extends Place {
  readonly token: U64
  readonly untilMs: number
}

/**
 * Where the peer of a session is. It may move (another network, a NAT that has forgotten it), but only to where it has shown that it receives:
 * else anyone who can copy a datagram and forge its source could turn our packets on somebody else.
 */
export class Path {
  readonly #security: SecurityPort
  #place: Place
  #candidates: Candidate[] = []
  #challengedMs = Number.NEGATIVE_INFINITY

  constructor(security: SecurityPort, address: string, port: number) {
    this.#security = security
    this.#place = { address, port }
  }

  /** Where to send to: the address that was proven last. */
  get place(): Place {
    return this.#place
  }

  isKnown(address: string, port: number): boolean {
    return isAt(this.#place, address, port)
  }

  /**
   * A datagram of the session that was opened, and not seen before, came from another address. The token for a PATH_CHALLENGE to there, or
   * nothing. The same one again as long as it holds: a round trip may take longer than it takes to ask again.
   */
  seen(address: string, port: number, nowMs: number): U64 | undefined {
    if (this.isKnown(address, port) || nowMs < this.#challengedMs + CHALLENGE_EVERY_MS) return undefined
    this.#challengedMs = nowMs
    this.#candidates = this.#candidates.filter(({ untilMs }) => untilMs > nowMs)
    const known = this.#candidates.find((candidate) => isAt(candidate, address, port))
    if (known !== undefined) return known.token
    if (this.#candidates.length === MAX_CANDIDATES) this.#candidates.shift()
    const token = u64At(this.#security.randomBytes(8), 0)
    this.#candidates.push({ address, port, token, untilMs: nowMs + VALID_MS })
    return token
  }

  /** A PATH_RESPONSE that was opened. Answers whether the peer is there from now on. */
  answered(token: U64, address: string, port: number, nowMs: number): boolean {
    const isRight = (candidate: Candidate): boolean =>
      isAt(candidate, address, port) && isSame(candidate.token, token) && candidate.untilMs > nowMs
    if (!this.#candidates.some(isRight)) return false
    this.#place = { address, port }
    this.#candidates = []
    return true
  }
}

const isAt = (place: Place, address: string, port: number): boolean =>
  place.port === port && place.address === address
