import { datagrams } from '../../node/datagram-socket.ts'

export type Family = 4 | 6

export interface Target {
  readonly address: string
  readonly family: Family
  /** `undefined`: nobody in particular is asked for. */
  readonly port: number | undefined
}

export interface SizeProbe {
  readonly bytes: number
  /** What the system said to it: `EMSGSIZE`, or nothing when it has taken it. */
  readonly code: string | undefined
  /** The host has refused it, so it has come there. */
  readonly cameThere: boolean
}

export interface Probed {
  /** Why there is no way to it: `ENETUNREACH`, ... */
  readonly unreachable?: string
  /** Our own address on the way there; `undefined` where the runtime does not say (Deno). */
  readonly localAddress?: string | undefined
  /** Whether the host said that nobody listens at the port. `undefined`: it was not asked, or this runtime does not hear of it. */
  readonly refused?: boolean | undefined
  readonly sizes: readonly SizeProbe[]
}

/** Where nobody listens, as a rule; and who does there (RFC 863) throws everything away. */
const DISCARD_PORT = 9
/** A refusal comes after one round trip. */
const ANSWER_MS = 400
/** With the one before no more than six: Linux rations its refusals after as many. */
const MOST_SIZES = 5

/** Deno never hears that a datagram was refused. */
const HEARS_REFUSALS = !('Deno' in globalThis)

/**
 * Sends one empty datagram to the port, to hear whether nobody is there. Longer ones, of newlines, go to a port where nobody is: each
 * refusal that comes back says that a datagram of that length has come there. `sizesBy` gets our own address on that way.
 */
export async function probe(
  target: Target,
  sizesBy: (localAddress: string | undefined) => readonly number[],
): Promise<Probed> {
  let asked: Asking | undefined
  try {
    asked = await Asking.open(target, target.port ?? DISCARD_PORT)
    const first = target.port === undefined ? undefined : await asked.ask(0)
    const isRefused = HEARS_REFUSALS && first !== undefined ? first.cameThere : undefined
    const { localAddress } = asked
    if (target.port !== undefined && isRefused !== true) {
      asked.close()
      asked = await Asking.open(target, DISCARD_PORT)
    }
    const sizes = await askSizes(asked, sizesBy(localAddress).slice(0, MOST_SIZES))
    return { localAddress, refused: isRefused, sizes }
  } catch (error) {
    return { unreachable: (error as NodeJS.ErrnoException).code ?? 'EIO', sizes: [] }
  } finally {
    asked?.close()
  }
}

async function askSizes(asked: Asking, sizes: readonly number[]): Promise<SizeProbe[]> {
  const results: SizeProbe[] = []
  for (const bytes of sizes) {
    results.push(await asked.ask(bytes))
    if (results.at(-1)!.code !== undefined) break
  }
  return results
}

const NO_WAY = ['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EACCES', 'EPERM', 'ENETDOWN']

class Asking {
  readonly #socket: Awaited<ReturnType<typeof datagrams.connect>>
  #refused: () => void = () => {}
  /** Nothing has come back so far: it is not waited for again and again. */
  #isSilent = !HEARS_REFUSALS

  static async open({ address, family }: Target, port: number): Promise<Asking> {
    let asking: Asking | undefined
    const socket = await datagrams.connect({
      peer: { address, port, family },
      sendBufferBytes: 0,
      onError: (code) => asking?.hear(code),
      onWarning: () => {},
    })
    asking = new Asking(socket)
    return asking
  }

  private constructor(socket: Awaited<ReturnType<typeof datagrams.connect>>) {
    this.#socket = socket
  }

  get localAddress(): string | undefined {
    const address = this.#socket.localAddress.replace(/:\d+$/, '')
    return address === '0.0.0.0' || address === '::' ? undefined : address
  }

  hear(code: string): void {
    if (code === 'ECONNREFUSED') this.#refused()
  }

  /** One datagram of so many bytes, and what becomes of it. */
  async ask(bytes: number): Promise<SizeProbe> {
    const answer = this.#answer()
    let code = await this.#send(bytes)
    // Late news of the one before.
    if (code === 'ECONNREFUSED') code = await this.#send(bytes)
    if (code === 'ECONNREFUSED') code = undefined
    if (code !== undefined && NO_WAY.includes(code)) throw Object.assign(new Error(code), { code })
    if (code !== undefined || this.#isSilent) return { bytes, code, cameThere: false }
    const cameThere = await answer
    this.#isSilent = !cameThere
    return { bytes, code, cameThere }
  }

  close(): void {
    this.#socket.close()
  }

  #send(bytes: number): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#socket.send(new Uint8Array(bytes).fill(0x0a), (error) => resolve(error?.code))
    })
  }

  #answer(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ANSWER_MS, false)
      this.#refused = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
  }
}
