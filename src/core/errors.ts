/** What can go wrong by misuse. Loss is never an error: it is a number in `stats()`. */
export type ErrorCode =
  | 'ERR_INVALID_ARGUMENT'
  | 'ERR_INVALID_HANDLE'
  | 'ERR_HANDLE_VERSION'
  | 'ERR_STALE_HANDLE'
  | 'ERR_CLOSED'
  | 'ERR_WRITER_TAKEN'
  | 'ERR_READER_TAKEN'
  | 'ERR_TOO_MANY_WRITERS'
  | 'ERR_TOO_MANY_READERS'
  | 'ERR_TOO_MANY_CONNECTIONS'
  | 'ERR_TOO_MANY_THREADS'
  | 'ERR_OUT_OF_MEMORY'
  | 'ERR_NO_CLAIM'
  | 'ERR_CLAIM_OPEN'
  | 'ERR_CLAIM_EXCEEDED'
  | 'ERR_BUSY'
  | 'ERR_CANNOT_BLOCK'
  | 'ERR_UNSUPPORTED'
  | 'ERR_INVALID_EVENT'
  | 'ERR_IO_THREAD'
  | 'ERR_UNRESOLVED'
  | 'ERR_TIMEOUT'
  | 'ERR_BIND'
  | 'ERR_SINK'
  | PosixCode

/** What calls on sockets fail with, as the system would say it. */
export type PosixCode =
  | 'EACCES'
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'EAFNOSUPPORT'
  | 'EAI_AGAIN'
  | 'EALREADY'
  | 'EBADF'
  | 'EBUSY'
  | 'ECANCELED'
  | 'ECONNABORTED'
  | 'ECONNREFUSED'
  | 'ECONNRESET'
  | 'EDEADLK'
  | 'EDESTADDRREQ'
  | 'EHOSTDOWN'
  | 'EHOSTUNREACH'
  | 'EINPROGRESS'
  | 'EINVAL'
  | 'EIO'
  | 'EISCONN'
  | 'EMFILE'
  | 'EMSGSIZE'
  | 'ENETDOWN'
  | 'ENETUNREACH'
  | 'ENFILE'
  | 'ENOBUFS'
  | 'ENODEV'
  | 'ENOMEM'
  | 'ENOPROTOOPT'
  | 'ENOTCONN'
  | 'ENOTFOUND'
  | 'EOPNOTSUPP'
  | 'EPERM'
  | 'EPIPE'
  | 'EPROTO'
  | 'EPROTONOSUPPORT'
  | 'ETIMEDOUT'
  | 'EWOULDBLOCK'

/** Every error that spillway throws: `code` is stable, `message` says what to do. */
export class SpillwayError extends Error {
  override readonly name = 'SpillwayError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** What a caught value says, whatever it is. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}

const reported = new WeakSet<object>()

/** A callback of the user's has thrown: the user is told, once for each callback, and it is survived. */
export function reportCallbackError(where: string, callback: object, error: unknown): void {
  reportOnce(callback, `the ${where} callback threw; the ring goes on`, error)
}

/** Something has gone wrong that is survived: the user is told, once for each `whose`. */
export function reportOnce(whose: object, what: string, cause: unknown): void {
  if (reported.has(whose)) return
  reported.add(whose)
  const problem = new Error(`spillway: ${what}, and this is not reported again`, { cause })
  const host = (globalThis as { process?: { emitWarning?: (warning: Error) => void } }).process
  if (typeof host?.emitWarning === 'function') host.emitWarning(problem)
  else console.error(problem)
}
