import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import { checkHost, checkInteger } from '../core/check.ts'
import { type ErrorCode, messageOf, SpillwayError } from '../core/errors.ts'
import { isLoopback } from '../net/address-ranges.ts'
import { permitNet } from './permission.ts'

/** What stands at a path: made anew for each request. */
export interface Page {
  readonly type: string
  body(): string | Uint8Array
}

export interface HttpPagesOptions {
  readonly host: string
  readonly port: number
  /** By their paths. */
  readonly pages: Readonly<Record<string, Page>>
  /** Their scripts compile WebAssembly, which a browser must be told. */
  readonly runsWasm?: boolean
}

/** Nobody who reads pages has more to say than this. */
const LIMITS = {
  maxHeaderSize: 8192,
  requestTimeout: 5000,
  headersTimeout: 5000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 5000,
}
const MOST_CONNECTIONS = 64

const HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

function securityPolicy(runsWasm: boolean): string {
  const scripts = runsWasm ? "'self' 'wasm-unsafe-eval'" : "'self'"
  return `default-src 'none'; script-src ${scripts}; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
}

/** Serves a few pages to be read, over HTTP, and keeps no process alive. */
export class HttpPages {
  readonly #server: Server
  readonly #pages: Readonly<Record<string, Page>>
  readonly #policy: string
  #isLocal = true
  #closed: Promise<void> | undefined

  private constructor(pages: Readonly<Record<string, Page>>, runsWasm: boolean) {
    this.#pages = pages
    this.#policy = securityPolicy(runsWasm)
    this.#server = createServer(LIMITS, (request, response) => this.#serve(request, response))
    this.#server.maxConnections = MOST_CONNECTIONS
    this.#server.on('connection', (socket) => socket.unref())
    this.#server.on('checkContinue', (request, response) => this.#serve(request, response))
  }

  static async open({ host, port, pages, runsWasm = false }: HttpPagesOptions): Promise<HttpPages> {
    checkHost('host', host) // to Node no host is every address there is
    checkInteger('port', port, 0, 65_535)
    const opened = new HttpPages(pages, runsWasm)
    const server = opened.#server
    try {
      await new Promise<void>((resolve, reject) => {
        permitNet({ address: host, port })
        server.once('error', reject)
        server.listen({ host, port, exclusive: true }, resolve)
      })
    } catch (error) {
      throw bindError(error as NodeJS.ErrnoException, host, port)
    }
    server.unref()
    server.on('error', () => {}) // of accepting, for instance when there are no more files: the next one may do
    opened.#isLocal = isLoopback(opened.address().address)
    return opened
  }

  /** Where it listens: the port, if it was left to the system. */
  address(): { readonly address: string; readonly port: number } {
    const { address, port } = this.#server.address() as AddressInfo
    return { address, port }
  }

  /** Idempotent; waits for nobody who still reads. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
    return this.#closed
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { status, type, body } = this.#answerTo(request)
    // What is refused ends the connection: nobody waits for a body that nobody wants.
    if (status !== 200) response.shouldKeepAlive = false
    if (status === 405) response.setHeader('Allow', 'GET, HEAD')
    const own = { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) }
    // To a HEAD, Node leaves out the body.
    response.writeHead(status, { ...HEADERS, 'Content-Security-Policy': this.#policy, ...own }).end(body)
  }

  #answerTo(request: IncomingMessage): Answer {
    if (this.#isLocal && !namesThisMachine(request.headers.host)) return words(403, 'Not by this name.')
    if (request.method !== 'GET' && request.method !== 'HEAD') return words(405, 'To be read only.')
    if (hasBody(request)) return words(413, 'A request here has no body.')
    const [path = ''] = (request.url ?? '').split('?', 1)
    if (!Object.hasOwn(this.#pages, path))
      return words(404, `There is ${Object.keys(this.#pages).join(', ')}.`)
    const page = this.#pages[path]!
    try {
      return { status: 200, type: page.type, body: page.body() }
    } catch (error) {
      return words(500, messageOf(error))
    }
  }
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string | Uint8Array
}

function words(status: number, text: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

/**
 * A page from elsewhere may have a name of its own point to 127.0.0.1, and would then be allowed to read what we answer. It cannot
 * do so with an address, nor with `localhost`.
 */
function namesThisMachine(host: string | undefined): boolean {
  if (host === undefined) return true // HTTP 1.0: no browser
  const name = host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()
  return name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0
}

const reasons: Readonly<Record<string, readonly [code: ErrorCode, reason: string]>> = {
  EADDRINUSE: [
    'EADDRINUSE',
    'another program listens there: stop it, or choose another port (0: the system chooses)',
  ],
  EADDRNOTAVAIL: ['EADDRNOTAVAIL', 'it is no address of this machine: take one that is, or 0.0.0.0 for all'],
  EACCES: ['EACCES', 'this user may not: choose a port from 1024'],
  ENOTFOUND: ['ERR_UNRESOLVED', 'the host has no address'],
  EAI_AGAIN: ['ERR_UNRESOLVED', 'the host has no address: the name server does not answer'],
}

function bindError(error: NodeJS.ErrnoException, host: string, port: number): SpillwayError {
  if (error instanceof SpillwayError) return error
  const [code, reason] = reasons[error.code ?? ''] ?? ['ERR_BIND' as const, error.message]
  const place = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return new SpillwayError(code, `cannot serve at ${place}: ${reason}`, { cause: error })
}
