import { checkInteger, invalid } from './check.ts'
import { messageOf, SpillwayError } from './errors.ts'
import { wasmBase64 } from './wasm-bytes.ts'

/** Settings of this thread's core. They must be made before its first ring. */
export interface CoreOptions {
  /** The Wasm core instead of the inlined copy: compiled, as bytes, or where to fetch it (`spillway/core.wasm`). */
  wasm?: WebAssembly.Module | BufferSource | URL | string
  /** The most that all rings of the process together may take: address space, not memory. Default 1 GiB, at most 2 GiB. */
  maximumBytes?: number
}

const PAGE_BYTES = 65536
const MAXIMUM_BYTES = 2 ** 31
const DEFAULT_BYTES = 2 ** 30
/** Where that much address space cannot be had, less will do. */
const SMALLEST_BYTES = 2 ** 26
/** `\0asm`: with it every module begins. */
const WASM_MAGIC = [0x00, 0x61, 0x73, 0x6d]

let compiled: WebAssembly.Module | undefined
let maximumPages = DEFAULT_BYTES / PAGE_BYTES
let memoryIsMade = false

/** Changes how the core is loaded. Resolves when it is done: at once, unless the Wasm has to be fetched. */
export async function configure(options: CoreOptions): Promise<void> {
  if (memoryIsMade) {
    throw invalid('configure() must come before the first ring of the thread')
  }
  if (options.maximumBytes !== undefined) maximumPages = checkMaximum(options.maximumBytes)
  if (options.wasm !== undefined) await useWasm(options.wasm)
}

function checkMaximum(bytes: number): number {
  return Math.ceil(checkInteger('maximumBytes', bytes, SMALLEST_BYTES, MAXIMUM_BYTES) / PAGE_BYTES)
}

/** The core as another thread of the process has compiled it. */
export function useModule(module: WebAssembly.Module): void {
  compiled = module
}

async function useWasm(wasm: NonNullable<CoreOptions['wasm']>): Promise<void> {
  if (wasm instanceof WebAssembly.Module) compiled = wasm
  else if (typeof wasm === 'string' || wasm instanceof URL)
    compiled = await compileFetched(await fetchBytes(wasm))
  else if (isBytes(wasm)) compiled = moduleOf(wasm)
  else throw invalid(`wasm must be a WebAssembly.Module, its bytes, or an address, not ${String(wasm)}`)
}

/** Also of another realm, which `instanceof` would not know. */
function isBytes(wasm: unknown): wasm is BufferSource {
  return ArrayBuffer.isView(wasm) || Object.prototype.toString.call(wasm) === '[object ArrayBuffer]'
}

async function compileFetched(bytes: ArrayBuffer): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes)
  } catch (cause) {
    throw notCompiled(bytes, cause)
  }
}

async function fetchBytes(url: URL | string): Promise<ArrayBuffer> {
  const response = await fetch(url)
  if (response.ok) return response.arrayBuffer()
  throw invalid(`the Wasm core could not be fetched from ${url}: HTTP ${response.status}`)
}

export function coreModule(): WebAssembly.Module {
  compiled ??= compile(wasmBase64)
  return compiled
}

/** A module that is inlined in the sources. */
export function compile(base64: string): WebAssembly.Module {
  return moduleOf(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)))
}

function moduleOf(bytes: BufferSource): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes)
  } catch (cause) {
    throw notCompiled(bytes, cause)
  }
}

function notCompiled(bytes: BufferSource, cause: unknown): SpillwayError {
  if (!isWasm(bytes))
    return invalid(
      'the bytes that were given as the Wasm core are no WebAssembly: is it the right address?',
      {
        cause,
      },
    )
  return new SpillwayError('ERR_UNSUPPORTED', reasonOf(bytes, cause), { cause })
}

/** By its first four bytes. A page that says that there is no such file has others. */
function isWasm(bytes: BufferSource): boolean {
  if (bytes.byteLength < WASM_MAGIC.length) return false
  const [buffer, offset] = ArrayBuffer.isView(bytes) ? [bytes.buffer, bytes.byteOffset] : [bytes, 0]
  const head = new Uint8Array(buffer, offset, WASM_MAGIC.length)
  return WASM_MAGIC.every((byte, i) => head[i] === byte)
}

function reasonOf(bytes: BufferSource, cause: unknown): string {
  // Of memory, or of the size that may be compiled at once.
  if (cause instanceof RangeError) return `the Wasm core could not be compiled: ${messageOf(cause)}`
  // From bytes that are valid only a policy keeps a runtime.
  if (globalThis.WebAssembly?.validate(bytes))
    return "the content security policy forbids WebAssembly: add 'wasm-unsafe-eval' to its script-src"
  return 'this runtime does not take the Wasm core: it needs WebAssembly with threads and SIMD'
}

/** A fresh shared memory, and how many pages it may grow to. */
export function makeMemory(): { memory: WebAssembly.Memory; pages: number } {
  memoryIsMade = true
  for (let pages = maximumPages; ; pages = Math.floor(pages / 2)) {
    try {
      return { memory: new WebAssembly.Memory({ initial: 1, maximum: pages, shared: true }), pages }
    } catch (cause) {
      if (pages / 2 >= SMALLEST_BYTES / PAGE_BYTES) continue
      throw new SpillwayError(
        'ERR_UNSUPPORTED',
        `this runtime gives no shared WebAssembly memory of ${pages * PAGE_BYTES} bytes`,
        { cause },
      )
    }
  }
}
