/**
 * What the core asks of the runtime it finds itself in. The default knows nothing, which is safe: then nobody is ever
 * taken for dead. `src/node` installs one that knows.
 */
export interface ThreadHost {
  /** The runtime's own name for the calling thread: unique in the process, not 0. 0 where there is none. */
  readonly threadKey: number
  /** Tells the listener the key of every thread that has provably stopped: none of its code will run again. */
  onThreadStopped(listener: (key: number) => void): void
}

let host: ThreadHost = { threadKey: 0, onThreadStopped() {} }
const listeners: ((key: number) => void)[] = []

export function installThreadHost(installed: ThreadHost): void {
  host = installed
  for (const listener of listeners) installed.onThreadStopped(listener)
}

export function threadKey(): number {
  return host.threadKey
}

export function onThreadStopped(listener: (key: number) => void): void {
  listeners.push(listener)
  host.onThreadStopped(listener)
}
