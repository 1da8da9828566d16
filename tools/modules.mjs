// The Wasm modules: where each begins, what else those have that are looked into, and the file of the sources that carries its bytes
// (not committed).

/** @type {Record<string, { entry: string, names: string, inlined: string }>} */
export const modules = {
  core: { entry: 'assembly/index.ts', names: 'assembly/names.ts', inlined: 'src/core/wasm-bytes.ts' },
  sockets: {
    entry: 'assembly/sockets/index.ts',
    names: 'assembly/sockets/names.ts',
    inlined: 'src/core/sockets-wasm-bytes.ts',
  },
  gudp: {
    entry: 'assembly/gudp/index.ts',
    names: 'assembly/gudp/names.ts',
    inlined: 'src/core/gudp-wasm-bytes.ts',
  },
}
