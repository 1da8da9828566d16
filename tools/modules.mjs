// The Wasm modules: where each begins, and the file of the sources that carries its bytes (not committed).

/** @type {Record<string, { entry: string, inlined: string }>} */
export const modules = {
  core: { entry: 'assembly/index.ts', inlined: 'src/core/wasm-bytes.ts' },
  sockets: { entry: 'assembly/sockets/index.ts', inlined: 'src/core/sockets-wasm-bytes.ts' },
  gudp: { entry: 'assembly/gudp/index.ts', inlined: 'src/core/gudp-wasm-bytes.ts' },
}
