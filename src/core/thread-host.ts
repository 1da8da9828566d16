/**
 * What the core asks of the runtime it finds itself in. The default knows nothing, which is safe: then nobody is ever
 * taken for dead. `src/node` installs one that knows.
 */
export interface ThreadHost {
  /** The runtime's own name for the calling thread: unique in the process, not 0. 0 where there is none. */
  readonly threadKey: number
  /** Tells the listener the key of every thread that has provably stopped: none of its code will run again. */
  onThreadStopped(listener: (key: number) => void): void
  /** Where a thread's end proves nothing: the key of every one that has been told to have ended. */
  onThreadExited(listener: (key: number) => void): void
}

type Listener = (key: number) => void

let host: ThreadHost = { threadKey: 0, onThreadStopped() {}, onThreadExited() {} }
const stopped: Listener[] = []
const exited: Listener[] = []

export function installThreadHost(installed: ThreadHost): void {
  host = installed
  for (const listener of stopped) installed.onThreadStopped(listener)
  for (const listener of exited) installed.onThreadExited(listener)
}

export function threadKey(): number {
  return host.threadKey
}

export function onThreadStopped(listener: Listener): void {
  stopped.push(listener)
  host.onThreadStopped(listener)
}

export function onThreadExited(listener: Listener): void {
  exited.push(listener)
  host.onThreadExited(listener)
}
