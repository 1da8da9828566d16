import type { AccessKind, Site } from './access-ops.ts'
import type { Op } from './program.ts'

/** Kinds of driver ops that a scenario may have, by kind and length. */
const ROOM = 1024
const DRIVER = '(driver)'

/** Ops that touch memory by themselves. */
export type DriverOp = Exclude<Op, { call: string } | { join: number }>

/** The sites of the code and those of the driver's own ops, with what the hook needs in typed arrays. */
export class SiteTable {
  readonly sites: Site[]
  readonly offset: Uint32Array
  readonly bytes: Uint32Array
  /** 1 where a site writes. Waiting and notifying count: they touch the list of waiters. */
  readonly writes: Uint8Array

  constructor(sites: readonly Site[]) {
    this.sites = [...sites]
    this.offset = new Uint32Array(sites.length + ROOM)
    this.bytes = new Uint32Array(sites.length + ROOM)
    this.writes = new Uint8Array(sites.length + ROOM)
    sites.forEach((_, i) => {
      this.index(i)
    })
  }

  /** Ops of the driver get sites, too, so that traces and the race check treat all accesses alike. */
  ofOp(op: Op | undefined): number {
    if (!op || 'call' in op || 'join' in op) return -1
    const site = driverSite(op)
    const known = this.sites.findIndex(
      (other) =>
        other.func === DRIVER &&
        other.op === site.op &&
        other.bytes === site.bytes &&
        other.atomic === site.atomic,
    )
    if (known >= 0) return known
    if (this.sites.length === this.offset.length) throw new Error('too many kinds of driver ops')
    this.sites.push(site)
    this.index(this.sites.length - 1)
    return this.sites.length - 1
  }

  private index(site: number): void {
    const { offset, bytes, kind } = this.sites[site]!
    this.offset[site] = offset
    this.bytes[site] = bytes
    this.writes[site] = isRead(kind) ? 0 : 1
  }
}

export function addressOf(op: DriverOp): number {
  if ('wait' in op) return op.wait
  if ('notify' in op) return op.notify
  return 'write' in op ? op.write : op.read
}

function isRead(kind: AccessKind): boolean {
  return kind === 'load' || kind === 'copy-load' || kind === 'driver-read'
}

function driverSite(op: DriverOp): Site {
  const common = { func: DRIVER, offset: 0 }
  if ('wait' in op) return { ...common, op: 'Atomics.wait', kind: 'wait', bytes: 4, atomic: true }
  if ('notify' in op) return { ...common, op: 'Atomics.notify', kind: 'notify', bytes: 4, atomic: true }
  const atomic = op.atomic === true
  if ('write' in op) return { ...common, op: 'write', kind: 'driver-write', bytes: op.data.length, atomic }
  return { ...common, op: 'read', kind: 'driver-read', bytes: op.bytes, atomic }
}
