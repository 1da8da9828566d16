import { Worker } from 'node:worker_threads'
import { SpillwayError } from '../core/errors.ts'
import { coreModule } from '../core/load.ts'
import type { ServiceHandlers, ServiceHost, ServiceLink } from '../net/io-service.ts'
import type { FromIoThread, IoWorkerData, ToIoThread } from './io-protocol.ts'
import { ioWorkerSource } from './io-worker-source.ts'
import { flagsForThread } from './permission.ts'

/** Where the worker comes from. */
export interface IoThreadOptions {
  /** The worker's file (`spillway/io-worker`) instead of the copy that is built in: for a policy that forbids `data:` modules. */
  url?: string | URL
}

/** It answers within a millisecond or two. One that does not is stuck, and must not hold whoever closes. */
const CLOSE_MS = 1000

interface Open {
  readonly handlers: ServiceHandlers
  settle: ((error?: Error) => void) | undefined
}

/**
 * A worker that owns sockets: exporters, collectors and what is to come are services on it. It does not keep the process alive.
 * One is enough; `sharedIoThread()` is there for all of a thread's exporters that are not given another.
 */
export class IoThread implements ServiceHost {
  readonly #worker: Worker
  readonly #services = new Map<number, Open>()
  #ids = 0
  #waiting = 0
  #lost: Error | undefined

  private constructor(options: IoThreadOptions) {
    const url = urlOf(options.url ?? `data:text/javascript,${encodeURIComponent(ioWorkerSource)}`)
    const workerData: IoWorkerData = { spillwayIo: { wasm: coreModule() } }
    this.#worker = startWorker(url, workerData)
    this.#worker.unref()
    this.#worker.on('message', (message: FromIoThread) => this.#receive(message))
    let reason = new Error('the I/O thread has ended')
    this.#worker.on('error', (error: Error) => {
      reason = error
    })
    // After all who listen for it: what the dead thread held has then been given back.
    this.#worker.on('exit', () => queueMicrotask(() => this.#lose(reason)))
  }

  static start(options: IoThreadOptions = {}): IoThread {
    return new IoThread(options)
  }

  /** Whether services can be opened on it. */
  get isRunning(): boolean {
    return this.#lost === undefined
  }

  async open(name: string, options: unknown, handlers: ServiceHandlers): Promise<ServiceLink> {
    const id = ++this.#ids
    const service: Open = { handlers, settle: undefined }
    this.#services.set(id, service)
    await this.#ask(service, { kind: 'open', id, name, options, debug: handlers.onDebug !== undefined })
    return {
      post: (message) => this.#post({ kind: 'post', id, message }),
      close: () => this.#close(id, service),
    }
  }

  async #close(id: number, service: Open): Promise<void> {
    if (!this.#services.has(id)) return
    const stuck = setTimeout(() => service.settle?.(), CLOSE_MS)
    await this.#ask(service, { kind: 'close', id }).catch(() => {})
    clearTimeout(stuck)
    this.#services.delete(id)
  }

  /** Ends the thread. What its services had in hand is lost: close them first. */
  async stop(): Promise<void> {
    await this.#worker.terminate()
  }

  /** Sends, and waits for the answer; the process stays alive for it. */
  #ask(service: Open, message: ToIoThread): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) return reject(lostError(this.#lost))
      if (this.#waiting++ === 0) this.#worker.ref()
      service.settle = (error) => {
        service.settle = undefined
        if (--this.#waiting === 0) this.#worker.unref()
        if (error === undefined) resolve()
        else reject(error)
      }
      this.#post(message)
    })
  }

  #post(message: ToIoThread): void {
    if (this.#lost === undefined) this.#worker.postMessage(message)
  }

  #receive(message: FromIoThread): void {
    const service = this.#services.get(message.id)
    if (service === undefined) return
    if (message.kind === 'message') service.handlers.onMessage(message.message)
    else if (message.kind === 'debug') service.handlers.onDebug?.(message.text)
    else if (message.kind === 'failed') {
      this.#services.delete(message.id)
      service.settle?.(new SpillwayError(message.error.code as 'ERR_INVALID_ARGUMENT', message.error.message))
    } else service.settle?.()
  }

  #lose(error: Error): void {
    if (this.#lost !== undefined) return
    this.#lost = error
    for (const service of this.#services.values()) {
      if (service.settle === undefined) service.handlers.onLost(error)
      else service.settle(lostError(error))
    }
    this.#services.clear()
  }
}

function startWorker(url: string | URL, workerData: IoWorkerData): Worker {
  // None of the program's loaders or flags: it needs none, and one that opens an exporter itself would start I/O threads without end.
  // But what is forbidden there is forbidden here.
  try {
    return new Worker(url, { workerData, name: 'spillway-io', ...flagsForThread() } as object)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw cause
    throw new SpillwayError(
      'EACCES',
      'Node does not let this program start the I/O thread: run it with --allow-worker',
      { cause },
    )
  }
}

function lostError(cause: Error): SpillwayError {
  return new SpillwayError('ERR_IO_THREAD', `the I/O thread has ended: ${cause.message}`, { cause })
}

/** As a string a worker takes paths only, and `import.meta.resolve` answers a URL in one. */
function urlOf(url: string | URL): string | URL {
  return typeof url === 'string' && /^(file|data):/i.test(url) ? new URL(url) : url
}

let shared: IoThread | undefined

/** This thread's own, started when it is first needed, and again should it have been lost. */
export function sharedIoThread(): IoThread {
  if (shared === undefined || !shared.isRunning) shared = IoThread.start()
  return shared
}
