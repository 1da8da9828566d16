import { type Abi, type Layout, readLayout } from './abi.ts'
import { invalid } from './check.ts'
import { SpillwayError } from './errors.ts'
import { coreModule, makeMemory } from './load.ts'
import { onThreadExited, onThreadStopped, threadKey } from './thread-host.ts'

const encoder = new TextEncoder()

/** Copies up to this long are cut from a slab; views of the scratch up to this long are kept. */
const SMALL_BYTES = 2048
const SLAB_BYTES = 32768

/**
 * One shared memory as this thread sees it: the Wasm instance on it, the views, and the thread's own place in it (token,
 * mailbox, scratch), which it has while it has an endpoint open.
 */
export class Region {
  readonly memory: WebAssembly.Memory
  readonly abi: Abi
  readonly layout: Layout
  readonly id: number
  u8!: Uint8Array
  i32!: Int32Array
  f64!: Float64Array

  token = 0
  /** Index into `i32` of the mailbox's integer fields, and into `f64` of what was missed and of the stats. */
  mailAddress = 0
  mailLength = 0
  mailLane = 0
  mailMissed = 0
  mailPack = 0
  mailSplit = 0
  mailStats = 0
  #endpoints = 0
  readonly #members = new Map<string, number>()

  readonly #scratchBytes: number
  #scratch = new Uint8Array(0)
  #scratchViews: (Uint8Array | undefined)[] = []
  #encodesShared = true
  #ownScratch: Uint8Array | undefined
  #slabBuffer = new ArrayBuffer(0)
  #slab = new Uint8Array(this.#slabBuffer)
  #slabUsed = 0

  constructor(memory: WebAssembly.Memory, exports: WebAssembly.Exports, layout: Layout) {
    this.memory = memory
    this.abi = exports as unknown as Abi
    this.layout = layout
    this.id = this.abi.regionId()
    this.#scratchBytes = layout.SCRATCH_BYTES
    this.refresh()
  }

  /** Derives the views again: the memory has grown. */
  refresh(): void {
    this.memory.grow(0) // makes `buffer` show what other threads have grown
    this.u8 = new Uint8Array(this.memory.buffer)
    this.i32 = new Int32Array(this.memory.buffer)
    this.f64 = new Float64Array(this.memory.buffer)
  }

  /** Makes sure that the views reach `end`: rings and lanes may lie where another thread has grown the memory. */
  reach(end: number): void {
    if (end > this.u8.length) this.refresh()
  }

  /** An endpoint opens: the thread joins the region with its first. */
  retain(): void {
    if (this.#endpoints++ > 0) return
    const token = this.abi.threadJoin(threadKey())
    if (token < 0) {
      this.#endpoints--
      throw this.failure(token)
    }
    this.token = token
    const { layout } = this
    this.refresh()
    const slot = layout.THREADS_OFFSET + (token & (layout.MAX_THREADS - 1)) * layout.THREAD_BYTES
    const scratch = this.i32[(slot + layout.THREAD_SCRATCH_OFFSET) >> 2]!
    this.mailAddress = (scratch + layout.MAILBOX_ADDRESS_OFFSET) >> 2
    this.mailLength = (scratch + layout.MAILBOX_LENGTH_OFFSET) >> 2
    this.mailLane = (scratch + layout.MAILBOX_LANE_OFFSET) >> 2
    this.mailPack = (scratch + layout.MAILBOX_PACK_OFFSET) >> 2
    this.mailSplit = (scratch + layout.MAILBOX_SPLIT_OFFSET) >> 2
    this.mailMissed = (scratch + layout.MAILBOX_MISSED_OFFSET) >> 3
    this.mailStats = (scratch + layout.MAILBOX_STATS_OFFSET) >> 3
    this.#scratch = new Uint8Array(
      this.memory.buffer,
      scratch + layout.SCRATCH_DATA_OFFSET,
      layout.SCRATCH_BYTES,
    )
    this.#scratchViews = []
  }

  /** An endpoint closes: with its last the thread leaves. */
  release(): void {
    if (--this.#endpoints > 0) return
    this.abi.threadLeave(this.token)
    this.token = 0
  }

  /** A thread has stopped: what it held here is given back. */
  bury(key: number): void {
    this.#asMember(() => this.abi.threadEnd(key, this.token))
  }

  /** A thread has ended, though perhaps not stopped: it keeps what it holds, and nobody need work for it. */
  ended(key: number): void {
    this.#asMember(() => this.abi.threadExited(key, this.token))
  }

  #asMember(call: () => void): void {
    try {
      this.retain()
    } catch {
      return // no slot is left for this thread to do it from; another that is in will
    }
    call()
    this.release()
  }

  /** The thread becomes a member of a ring, once for all its endpoints there. */
  join(address: number, generation: number, join: () => number): void {
    const key = `${address}:${generation}`
    const endpoints = this.#members.get(key) ?? 0
    if (endpoints === 0) {
      const code = join()
      if (code < 0) throw this.failure(code)
    }
    this.#members.set(key, endpoints + 1)
  }

  leave(address: number, generation: number, leave: () => void): void {
    const key = `${address}:${generation}`
    const endpoints = this.#members.get(key) ?? 0
    if (endpoints > 1) {
      this.#members.set(key, endpoints - 1)
      return
    }
    this.#members.delete(key)
    leave()
  }

  /** Brings a record into the scratch. Answers its bytes, or -1 when it may be too long for it. */
  stage(record: Uint8Array | string): number {
    if (typeof record === 'string') return this.#stageString(record)
    if (!(record instanceof Uint8Array)) {
      throw invalid('a record must be a Uint8Array or a string')
    }
    if (record.length > this.#scratchBytes) return -1
    this.#scratch.set(record)
    return record.length
  }

  /** One pass from the string into shared memory, by a view that is never made anew (a fresh one costs as much as the encoding). */
  #stageString(record: string): number {
    if (record.length * 3 > this.#scratchBytes) return -1
    if (this.#encodesShared) {
      try {
        return encoder.encodeInto(record, this.#scratch).written
      } catch {
        this.#encodesShared = false // browsers refuse shared memory here
      }
    }
    this.#ownScratch ??= new Uint8Array(this.layout.SCRATCH_BYTES)
    const { written } = encoder.encodeInto(record, this.#ownScratch)
    this.#scratch.set(this.#ownScratch.subarray(0, written))
    return written
  }

  /** Where this thread's scratch begins in the memory: for what is neither a record nor a line. */
  get scratchAddress(): number {
    return this.#scratch.byteOffset
  }

  /** The caller's own copy of the first `length` bytes of the scratch. */
  copyOut(length: number): Uint8Array<ArrayBuffer> {
    if (length > SMALL_BYTES) {
      const copy = new Uint8Array(length)
      copy.set(this.#scratchView(length))
      return copy
    }
    if (this.#slabUsed + length > this.#slab.length) {
      this.#slabBuffer = new ArrayBuffer(SLAB_BYTES)
      this.#slab = new Uint8Array(this.#slabBuffer)
      this.#slabUsed = 0
    }
    const from = this.#slabUsed
    this.#slab.set(this.#scratchView(length), from)
    this.#slabUsed = (from + length + 7) & ~7 // copies are fast between addresses that are aligned alike
    return new Uint8Array(this.#slabBuffer, from, length)
  }

  /** The first `length` bytes of the scratch, as they are now. */
  #scratchView(length: number): Uint8Array {
    if (length > SMALL_BYTES) return this.#scratch.subarray(0, length)
    let view = this.#scratchViews[length]
    if (view === undefined) {
      view = this.#scratch.subarray(0, length)
      this.#scratchViews[length] = view
    }
    return view
  }

  /** The generation of the object that the thread has just made, or of one it is a member of. */
  generationOf(address: number): number {
    this.reach(address + this.layout.HEADER_BYTES)
    return this.i32[(address + this.layout.OBJECT_GENERATION_OFFSET) >> 2]!
  }

  /** The error for a code that is a misuse, or the lack of something. */
  failure(code: number): SpillwayError {
    const { layout } = this
    switch (code) {
      case layout.STALE:
        return new SpillwayError(
          'ERR_STALE_HANDLE',
          'the ring is gone: its last user has closed it. Keep one endpoint open',
        )
      case layout.OUT_OF_MEMORY:
        return new SpillwayError(
          'ERR_OUT_OF_MEMORY',
          'no shared memory is left for this: close rings, make them smaller, or raise maximumBytes with configure()',
        )
      case layout.TOO_MANY_THREADS:
        return new SpillwayError(
          'ERR_TOO_MANY_THREADS',
          `more than ${layout.MAX_THREADS} threads share this memory: close() rings in threads that are done`,
        )
      case layout.TOO_MANY_WRITERS:
        return new SpillwayError(
          'ERR_TOO_MANY_WRITERS',
          'all of the writers that this ManyToOne has room for are there: raise maxWriters, or close() one',
        )
      case layout.TOO_MANY_READERS:
        return new SpillwayError(
          'ERR_TOO_MANY_READERS',
          'this OneToMany has no room for another poller: close() one',
        )
      case layout.CLAIM_OPEN:
        return new SpillwayError('ERR_CLAIM_OPEN', 'a claim is open: commit() or abort() it first')
      case layout.NO_CLAIM:
        return new SpillwayError(
          'ERR_NO_CLAIM',
          'no claim is open: claim() comes before commit() and abort()',
        )
      case layout.CLAIM_EXCEEDED:
        return new SpillwayError('ERR_CLAIM_EXCEEDED', 'commit() takes at most as many bytes as were claimed')
      default:
        return invalid(`the core refused the call (${code})`)
    }
  }
}

const regions = new Map<number, Region>()
const regionOfMemory = new WeakMap<WebAssembly.Memory, Region>()
let ownRegion: Region | undefined

onThreadStopped((key) => {
  for (const region of regions.values()) region.bury(key)
})
onThreadExited((key) => {
  for (const region of regions.values()) region.ended(key)
})

function instantiate(memory: WebAssembly.Memory): WebAssembly.Exports {
  return new WebAssembly.Instance(coreModule(), { env: { memory } }).exports
}

function remember(region: Region): Region {
  regions.set(region.id, region)
  regionOfMemory.set(region.memory, region)
  return region
}

/** Where this thread makes its rings: the region it first got a handle to, else one of its own. */
export function defaultRegion(): Region {
  if (ownRegion !== undefined) return ownRegion
  const { memory, pages } = makeMemory()
  const exports = instantiate(memory)
  const abi = exports as unknown as Abi
  const layout = readLayout(exports)
  if (abi.regionInit(pages, Math.random() + 1) < 0) {
    throw new SpillwayError('ERR_OUT_OF_MEMORY', 'the tables of the shared memory could not be made')
  }
  ownRegion = remember(new Region(memory, exports, layout))
  return ownRegion
}

/** The region of a memory that came with a handle. The same memory comes as a new object with every message. */
export function regionOf(memory: WebAssembly.Memory): Region {
  const known = regionOfMemory.get(memory)
  if (known !== undefined) return known
  let exports: WebAssembly.Exports
  try {
    exports = instantiate(memory)
  } catch (cause) {
    throw new SpillwayError(
      'ERR_INVALID_HANDLE',
      'the memory of the handle is not a shared memory of spillway',
      { cause },
    )
  }
  const abi = exports as unknown as Abi
  const layout = readLayout(exports)
  const version = abi.regionVersion()
  if (version === 0)
    throw new SpillwayError('ERR_INVALID_HANDLE', 'the memory of the handle is not one of spillway')
  if (version !== layout.LAYOUT_VERSION) {
    throw new SpillwayError(
      'ERR_HANDLE_VERSION',
      `the handle's memory has layout ${version}, this is ${layout.LAYOUT_VERSION}: use one version of spillway in all threads`,
    )
  }
  const region = regions.get(abi.regionId()) ?? remember(new Region(memory, exports, layout))
  regionOfMemory.set(memory, region)
  ownRegion ??= region
  return region
}
