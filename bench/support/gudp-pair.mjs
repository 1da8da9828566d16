// Two machines of gudp, by the shipped Wasm alone, on a memory of their own: no daemon, no socket, no clock.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const wasm = readFileSync(createRequire(import.meta.url).resolve('spillway/gudp.wasm'))
const PAGES = 4096
const OUT_BYTES = 4096
const BUFFER_DATA_OFFSET = 1152

/** What both have in common: the memory, the thread's place in it, a buffer for packets on their way out, and one for those that come in. */
export function makeBench() {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: PAGES, shared: true })
  const { exports: abi } = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory } })
  const layout = Object.fromEntries(
    Object.entries(abi).flatMap(([name, item]) =>
      item instanceof WebAssembly.Global ? [[name, item.value]] : [],
    ),
  )
  if (abi.regionInit(PAGES, 1.5) < 0) throw new Error('no region')
  const token = abi.threadJoin(1)
  const view = () => new DataView(memory.buffer)
  const slot = layout.THREADS_OFFSET + (token & (layout.MAX_THREADS - 1)) * layout.THREAD_BYTES
  const scratch = view().getUint32(slot + layout.THREAD_SCRATCH_OFFSET, true)
  const buffer = abi.bufferCreate(token, 2 * OUT_BYTES)
  memory.grow(0)
  const generation = view().getUint32(buffer + layout.OBJECT_GENERATION_OFFSET, true)
  return {
    memory,
    abi,
    layout,
    token,
    view,
    scratch,
    buffer: [buffer, generation],
    data: buffer + BUFFER_DATA_OFFSET,
  }
}

const DEFAULTS = { strategy: 2, window: 256, packet: 1187, fragment: 1100, ringBytes: 1 << 20 }

/** A machine with a lane of packets and a reliable channel. */
export class Machine {
  constructor(bench, options, nowMs) {
    const { strategy, window, packet, fragment, ringBytes } = { ...DEFAULTS, ...options }
    const { abi, layout, token, view, scratch } = bench
    const at = scratch + layout.SCRATCH_DATA_OFFSET
    const words = view()
    const word = (offset, value) => words.setUint32(at + offset, value, true)
    for (let i = 0; i < 256; i += 4) word(i, 0)
    word(layout.CONFIG_WINDOW_OFFSET, window)
    word(layout.CONFIG_FRAGMENT_OFFSET, fragment)
    word(layout.CONFIG_PACKET_OFFSET, packet)
    word(layout.CONFIG_REASSEMBLY_OFFSET, 1 << 20)
    word(layout.CONFIG_STRATEGY_OFFSET, strategy)
    word(layout.CONFIG_LANES_OFFSET, 2)
    const times = [10_000, 3000, strategy === 1 ? 0 : 30, 10, 250]
    for (const [i, value] of times.entries())
      words.setFloat64(at + layout.CONFIG_TIMES_OFFSET + 8 * i, value, true)
    const lanes = [layout.LANE_PACKETS, layout.LANE_STREAM]
    for (const [i, kind] of lanes.entries()) {
      const lane = layout.CONFIG_LANE_OFFSET + 16 * i
      word(lane, kind)
      word(lane + 4, ringBytes)
      word(lane + 8, ringBytes)
      word(lane + 12, ringBytes >> 1)
    }
    const address = abi.connectionCreate(token, nowMs)
    if (address < 0) throw new Error(`connectionCreate: ${address}`)
    bench.memory.grow(0)
    this.bench = bench
    this.handle = [address, bench.view().getUint32(address + layout.OBJECT_GENERATION_OFFSET, true)]
    this.nextAtMs = nowMs
    this.u8 = new Uint8Array(bench.memory.buffer)
    this.words = bench.view()
    this.span = scratch + layout.MAILBOX_SPAN_OFFSET
    this.atMs = scratch + 128 // the mailbox of the stats: when to ask again
  }

  /** Puts a message of zeros and its number into a lane; false: there is no room. */
  send(lane, bytes, number) {
    const { abi, token } = this.bench
    if (abi.laneClaim(...this.handle, lane, token, bytes) < 0) return false
    if (this.words.getUint32(this.span + 4, true) >= 4)
      this.words.setUint32(this.words.getUint32(this.span, true), number, true)
    abi.laneCommit(...this.handle, lane, token, bytes)
    return true
  }

  /** Bytes of the oldest message of a lane, which is taken; -1: none. */
  receive(lane) {
    const { abi, token } = this.bench
    const bytes = abi.laneTake(...this.handle, lane, token)
    if (bytes < 0) return -1
    abi.laneTaken(...this.handle, lane, token)
    return bytes
  }

  /** The next packet lies in the bench's buffer: its bytes; 0: none, see `nextAtMs`. */
  next(nowMs) {
    const { abi, token, buffer } = this.bench
    const bytes = abi.connectionNext(...this.handle, token, nowMs, ...buffer, 0)
    if (bytes > 0) return bytes
    this.nextAtMs =
      bytes === this.bench.layout.EMPTY ? this.words.getFloat64(this.atMs, true) : Number.POSITIVE_INFINITY
    return 0
  }

  /** A packet that lies in the buffer at `offset`. */
  take(nowMs, offset, bytes) {
    const { abi, token, buffer } = this.bench
    return abi.connectionReceive(...this.handle, token, nowMs, ...buffer, offset, bytes)
  }

  counter(name) {
    return this.words.getFloat64(this.handle[0] + this.bench.layout[name], true)
  }
}

export const IN_OFFSET = OUT_BYTES
