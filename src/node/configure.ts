import { readFile } from 'node:fs/promises'
import { invalid } from '../core/check.ts'
import { type CoreOptions, configure as configureCore } from '../core/load.ts'

/** As everywhere; the core may lie in a file, too (`file:`), which `fetch` does not take in Node. */
export async function configure(options: CoreOptions): Promise<void> {
  const { wasm } = options
  const isUrl = typeof wasm === 'string' || wasm instanceof URL
  if (!isUrl || !/^file:/i.test(String(wasm))) return configureCore(options)
  return configureCore({ ...options, wasm: await bytesOf(new URL(wasm)) })
}

async function bytesOf(file: URL): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw invalid(`the Wasm core could not be read from ${file}`, { cause })
  }
}
