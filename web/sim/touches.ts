import type { Session } from '../../src/sim/session.ts'
import { colourOf } from './colours.ts'

export interface Bytes {
  readonly address: number
  readonly bytes: number
}

/** Who is about to touch what, and what the last step has touched. */
export interface Touches {
  readonly pending: readonly (Bytes & { readonly thread: number })[]
  readonly last: Bytes | undefined
  /** Written by the call that a thread is in: not published yet. */
  readonly unpublished: readonly (Bytes & { readonly thread: number })[]
}

export function touchesOf(session: Session): Touches {
  const { machine, last } = session
  const threads = Array.from({ length: machine.threadCount }, (_, thread) => thread)
  const pending = threads.flatMap((thread) => {
    const access = machine.isBlocked(thread) ? undefined : machine.pending(thread)
    return access === undefined ? [] : [{ thread, address: access.address, bytes: access.bytes }]
  })
  const touched =
    last?.address === undefined ? undefined : { address: last.address, bytes: last.site?.bytes ?? 4 }
  return {
    pending,
    last: touched,
    unpublished: threads.flatMap((thread) => writtenInCall(session, thread)),
  }
}

/** A call is seldom longer. */
const LOOK_BACK = 400

/** What the thread has written since its last call ended. */
function writtenInCall(session: Session, thread: number): (Bytes & { thread: number })[] {
  const { status } = session.machine.view.threads[thread]!
  if (status === 'finished' || status === 'blocked') return []
  const written: (Bytes & { thread: number })[] = []
  const { position } = session
  for (let at = position - 1; at >= 0 && at > position - LOOK_BACK; at--) {
    const event = session.eventAt(at)
    if (event?.thread !== thread) continue
    const { result, site, address, op } = event
    const isCall = op !== undefined && 'call' in op
    if (result !== undefined && isCall) break
    if (address !== undefined && site !== undefined && /store|write|rmw/.test(site.kind))
      written.push({ thread, address, bytes: site.bytes })
  }
  return written
}

/** Shows on a field, or a cell, who is about to touch it, and whether it was touched last. */
export function mark(item: HTMLElement, place: Bytes, { pending, last }: Touches): void {
  item.classList.toggle('touched', last !== undefined && overlaps(last, place))
  const next = pending.find((access) => overlaps(access, place))
  item.classList.toggle('pending', next !== undefined)
  item.style.setProperty('--next', colourOf(next?.thread))
}

export function overlaps(a: Bytes, b: Bytes): boolean {
  return a.address < b.address + b.bytes && b.address < a.address + a.bytes
}
