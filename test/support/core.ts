import { readFileSync } from 'node:fs'
import { type Abi, type Layout, readLayout } from '../../src/core/abi.ts'

const module = new WebAssembly.Module(readFileSync(new URL('../../build/core.wasm', import.meta.url)))

/** The bare core on a memory of its own, for tests that go below the TypeScript face. */
export interface Core {
  readonly abi: Abi
  /** Every constant that the Wasm exports. */
  readonly layout: Layout & Record<string, number>
  readonly memory: WebAssembly.Memory
  u8(): Uint8Array
  u32(address: number): number
  u64(address: number): bigint
  setU64(address: number, value: bigint): void
  f64(address: number): number
  /** Where a thread's scratch begins. */
  scratch(token: number): number
  stage(token: number, bytes: Uint8Array): void
  generation(address: number): number
}

export function loadCore(maximumPages = 1024): Core {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: maximumPages, shared: true })
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  const abi = exports as unknown as Abi
  const layout = readLayout(exports) as Layout & Record<string, number>
  if (abi.regionInit(maximumPages, Math.random() + 1) !== 0) throw new Error('regionInit failed')
  const view = () => new DataView(memory.buffer)
  const core: Core = {
    abi,
    layout,
    memory,
    u8: () => new Uint8Array(memory.buffer),
    u32: (address) => view().getUint32(address, true),
    u64: (address) => view().getBigUint64(address, true),
    setU64: (address, value) => view().setBigUint64(address, value, true),
    f64: (address) => view().getFloat64(address, true),
    scratch: (token) =>
      core.u32(
        layout.THREADS_OFFSET +
          (token & (layout.MAX_THREADS - 1)) * layout.THREAD_BYTES +
          layout.THREAD_SCRATCH_OFFSET,
      ),
    stage: (token, bytes) => core.u8().set(bytes, core.scratch(token) + layout.SCRATCH_DATA_OFFSET),
    generation: (address) => core.u32(address + layout.OBJECT_GENERATION_OFFSET),
  }
  return core
}

/** The ledger as `ringStats` leaves it. */
export function statsOf(core: Core, address: number, token: number) {
  const code = core.abi.ringStats(address, core.generation(address), token)
  if (code !== 0) throw new Error(`ringStats: ${code}`)
  const at = core.scratch(token) + core.layout.MAILBOX_STATS_OFFSET
  const [written, dropped, oversize, read, missed, depth, depthBytes] = Array.from({ length: 7 }, (_, i) =>
    core.f64(at + i * 8),
  ) as [number, number, number, number, number, number, number]
  return { written, dropped, oversize, read, missed, depth, depthBytes }
}
