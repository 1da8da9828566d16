/** What an access does, as traces and the race detector name it. */
export type AccessKind =
  | 'load'
  | 'store'
  | 'rmw'
  | 'notify'
  | 'copy-load'
  | 'copy-store'
  | 'fill-store'
  | 'driver-read'
  | 'driver-write'
  | 'wait'
  | 'join'

/** One place in the code that touches memory. A scheduling point is a site together with an address. */
export interface Site {
  /** The function that holds the access: from the name section, else the export's name, else `$n`. */
  func: string
  /** The Wasm instruction, e.g. `i32.atomic.rmw.add`. */
  op: string
  bytes: number
  kind: AccessKind
  atomic: boolean
  /** The static offset of the instruction, added to the address by the hook. */
  offset: number
  /** `file:line:column`, where the text carried it. */
  line?: string
}

/** A memory instruction of the Stack IR text, taken apart. */
export interface MemoryOp {
  op: string
  kind: 'load' | 'store' | 'rmw' | 'notify'
  atomic: boolean
  bytes: number
  offset: number
  /** Types of the operands above the address, bottom first: they are parked in locals across the hook. */
  operands: ValueType[]
}

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128'

const FULL_BYTES: Record<ValueType, number> = { i32: 4, i64: 8, f32: 4, f64: 8, v128: 16 }
const MEMORY_OP = /^(i32|i64|f32|f64|v128)\.(atomic\.)?(load|store|rmw)(\S*)((?: \S+)*)$/
const NOTIFY_OP = /^memory\.atomic\.notify((?: \S+)*)$/

/** Reads one line of Stack IR; `undefined` when it does not touch memory. */
export function parseMemoryOp(line: string): MemoryOp | undefined {
  const notify = NOTIFY_OP.exec(line)
  if (notify) {
    const offset = staticOffset(notify[1]!)
    return { op: 'memory.atomic.notify', kind: 'notify', atomic: true, bytes: 4, offset, operands: ['i32'] }
  }
  const match = MEMORY_OP.exec(line)
  if (!match) return undefined
  const [, type, atomic, verb, suffix, immediates] = match as unknown as string[]
  const kind = verb as 'load' | 'store' | 'rmw'
  return {
    op: line.split(' ', 1)[0]!,
    kind,
    atomic: atomic !== undefined,
    bytes: accessBytes(type as ValueType, suffix!),
    offset: staticOffset(immediates!),
    operands: operandsOf(type as ValueType, kind, suffix!),
  }
}

/** `8_u`, `16`, `8.add_u`, `32_splat`, `64_lane` name a width; `8x8_s` loads eight bytes; else it is the type's. */
function accessBytes(type: ValueType, suffix: string): number {
  if (/^\d+x\d+/.test(suffix)) return 8
  const width = /^\d+/.exec(suffix)
  return width ? Number(width[0]) / 8 : FULL_BYTES[type]
}

function operandsOf(type: ValueType, kind: 'load' | 'store' | 'rmw', suffix: string): ValueType[] {
  if (suffix.includes('cmpxchg')) return [type, type]
  if (kind === 'load') return suffix.includes('_lane') ? ['v128'] : []
  return [type]
}

function staticOffset(immediates: string): number {
  const match = / offset=(\d+)/.exec(immediates)
  return match ? Number(match[1]) : 0
}
