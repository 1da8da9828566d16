// Threads of whatever runtime the suite runs in. The host (node:worker_threads, or Web Workers) is set once, at start, by
// the entry that knows it: hosts/node.ts or hosts/web.ts.

export interface Thread {
  /** what the thread's function returned; rejects with what it threw, or when the thread ended before that */
  readonly result: Promise<unknown>
  /** when the runtime says that the thread is gone (a browser never says so: then when it was told to stop) */
  readonly exited: Promise<void>
  post(message: unknown): void
  onMessage(listener: (message: unknown) => void): void
  /** the next message that no listener took, in order */
  next(): Promise<unknown>
  terminate(): Promise<void>
}

/** The thread's own end. */
export interface Channel {
  post(message: unknown): void
  next(): Promise<unknown>
}

/** What a host gives: raw message passing. */
export interface RawThread {
  post(message: unknown): void
  terminate(): Promise<void>
  readonly exited: Promise<void>
  listen(onMessage: (message: unknown) => void, onError: (error: Error) => void): void
}

export type Spawn = (name: string, data: unknown) => RawThread

let spawnRaw: Spawn | undefined

export function setThreadHost(spawn: Spawn): void {
  spawnRaw = spawn
}

/** A message of the boot code, not of the function in the thread. */
export type BootMessage = { $done: unknown } | { $failed: string }

const isBoot = (message: unknown): message is BootMessage =>
  typeof message === 'object' && message !== null && ('$done' in message || '$failed' in message)

const never = new Promise<never>(() => {})

/** Runs the function of that name, of the entry that the host was set up with, in a thread of its own. */
export function spawnThread(name: string, data: unknown = {}): Thread {
  if (!spawnRaw) throw new Error('no thread host is set: call setThreadHost first')
  const raw = spawnRaw(name, data)
  const inbox = new Inbox()
  let listener: ((message: unknown) => void) | undefined
  const result = new Promise<unknown>((resolve, reject) => {
    raw.listen((message) => {
      if (!isBoot(message)) return listener ? listener(message) : inbox.put(message)
      if ('$done' in message) resolve(message.$done)
      else reject(new Error(`thread ${name}: ${message.$failed}`))
    }, reject)
    // A result that was posted before the end may still be on its way.
    raw.exited.then(() => setTimeout(() => reject(new Error(`thread ${name} ended without a result`)), 200))
  })
  result.catch(() => {}) // a terminated thread has no result, and nobody need ask for it
  return {
    result,
    exited: raw.exited,
    post: (message) => raw.post(message),
    onMessage: (fn) => {
      listener = fn
      for (const message of inbox.drain()) fn(message)
    },
    next: () => Promise.race([inbox.take(), result.then(() => never)]),
    terminate: () => raw.terminate(),
  }
}

/** Messages in their order, for whoever asks. */
export class Inbox {
  private readonly messages: unknown[] = []
  private readonly waiting: ((message: unknown) => void)[] = []

  put(message: unknown): void {
    const taker = this.waiting.shift()
    if (taker) taker(message)
    else this.messages.push(message)
  }

  take(): Promise<unknown> {
    if (this.messages.length > 0) return Promise.resolve(this.messages.shift())
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  drain(): unknown[] {
    return this.messages.splice(0)
  }
}
