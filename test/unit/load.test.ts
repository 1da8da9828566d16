import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { instantiateSync } from '@assemblyscript/loader'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const wasm = new URL('../../build/core.wasm', import.meta.url)

/** A program of its own: settings are made before the first ring of a thread. */
async function program(code: string): Promise<string> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: root })
  return stdout.trim()
}

const use = `
  const ring = new OneToOne(4)
  ring.set('there')
  console.log(new TextDecoder().decode(ring.tryNext()))`

describe('the core', () => {
  it('asks for nothing but a memory, and writes nothing when it is instantiated', () => {
    const module = new WebAssembly.Module(readFileSync(wasm))
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }])
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1024, shared: true })
    new Uint8Array(memory.buffer).fill(0xa5)
    new WebAssembly.Instance(module, { env: { memory } })
    expect(new Uint8Array(memory.buffer).every((byte) => byte === 0xa5)).toBe(true)
  })

  it('can be loaded with the AssemblyScript loader', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1024, shared: true })
    const { exports } = instantiateSync(readFileSync(wasm), { env: { memory } })
    const core = exports as unknown as {
      regionInit(pages: number, id: number): number
      regionVersion(): number
    }
    expect(core.regionInit(1024, 1.5)).toBe(0)
    expect(core.regionVersion()).toBe(1)
  })
})

describe('where Wasm may not be compiled', () => {
  const forbid = `
    import vm from 'node:vm'
    const context = vm.createContext({}, { codeGeneration: { wasm: false } }) // as a content security policy has it
    globalThis.WebAssembly = vm.runInContext('WebAssembly', context)`
  const tell =
    "(error) => console.log(error.name, error.code, error.cause.name, error.message.includes('wasm-unsafe-eval'))"

  it.each([
    ['the first diode', 'try { new OneToOne(4) } catch (error) { tell(error) }'],
    ['configure with bytes', "await configure({ wasm: readFileSync('build/core.wasm') }).catch(tell)"],
    [
      'configure with a URL',
      `globalThis.fetch = async () => ({ ok: true, arrayBuffer: async () => readFileSync('build/core.wasm') })
      await configure({ wasm: 'https://localhost/core.wasm' }).catch(tell)`,
    ],
  ])('%s says which directive it needs', async (_, call) => {
    const said = await program(`
      import { readFileSync } from 'node:fs'
      import { configure, OneToOne } from 'spillway'
      ${forbid}
      const tell = ${tell}
      ${call}`)
    expect(said).toBe('SpillwayError ERR_UNSUPPORTED CompileError true')
  })

  it('a module that is not valid is not blamed on a policy', async () => {
    const said = await program(`
      import { configure } from 'spillway'
      await configure({ wasm: Uint8Array.of(0, 0x61, 0x73, 0x6d, 9, 9, 9, 9) }).catch(${tell})`)
    expect(said).toBe('SpillwayError ERR_UNSUPPORTED CompileError false')
  })

  it('nor is a lack of memory: what the engine says is said', async () => {
    const said = await program(`
      import { readFileSync } from 'node:fs'
      import { configure } from 'spillway'
      const wasm = readFileSync('build/core.wasm')
      WebAssembly.Module = class { constructor() { throw new RangeError('out of memory') } }
      await configure({ wasm }).catch(({ code, message }) => console.log(code, message))`)
    expect(said).toBe('ERR_UNSUPPORTED the Wasm core could not be compiled: out of memory')
  })
})

describe('configure', () => {
  it('takes a module, bytes, or a URL', async () => {
    const head = `
      import { readFileSync } from 'node:fs'
      import { configure, OneToOne } from 'spillway'
      const bytes = readFileSync('build/core.wasm')`
    expect(await program(`${head}; await configure({ wasm: bytes }); ${use}`)).toBe('there')
    expect(await program(`${head}; await configure({ wasm: new WebAssembly.Module(bytes) }); ${use}`)).toBe(
      'there',
    )
    const url = '"data:application/wasm;base64," + bytes.toString("base64")'
    expect(await program(`${head}; await configure({ wasm: ${url}, maximumBytes: 2 ** 27 }); ${use}`)).toBe(
      'there',
    )
  })

  it('refuses what it cannot be, and what comes too late', async () => {
    const codes = await program(`
      import { configure, OneToOne } from 'spillway'
      const code = (options) => configure(options).then(() => 'fine', (error) => error.code)
      console.log(await code({ maximumBytes: 1 }), await code({ maximumBytes: 2 ** 33 }))
      const ring = new OneToOne(1)
      console.log(await code({ maximumBytes: 2 ** 28 }))`)
    expect(codes.split(/\s+/)).toEqual([
      'ERR_INVALID_ARGUMENT',
      'ERR_INVALID_ARGUMENT',
      'ERR_INVALID_ARGUMENT',
    ])
  })

  it('says so where there is no WebAssembly at the address, nor in the bytes', async () => {
    const said = await program(`
      import { configure } from 'spillway'
      const page = new TextEncoder().encode('<!doctype html>')
      for (const wasm of ['data:text/html,<!doctype html>', page, page.buffer, page.subarray(0, 3), new ArrayBuffer(0)])
        await configure({ wasm }).catch(({ code, message }) => console.log(code, message))
      for (const wasm of [5, {}, [0], true])
        await configure({ wasm }).catch(({ code, message }) => console.log(code, message))`)
    const lines = said.split('\n')
    expect(lines).toHaveLength(9)
    for (const line of lines.slice(0, 5)) expect(line).toMatch(/^ERR_INVALID_ARGUMENT .* no WebAssembly/)
    for (const line of lines.slice(5)) expect(line).toMatch(/^ERR_INVALID_ARGUMENT wasm must be/)
  })

  it('says so when the memory is used up, and goes on', async () => {
    const said = await program(`
      import { configure, OneToOne } from 'spillway'
      await configure({ maximumBytes: 2 ** 26 })
      const rings = []
      try { for (;;) rings.push(new OneToOne(1024, null, { recordBytes: 4096 })) } catch (error) { console.log(error.code) }
      rings.pop().close()
      rings.push(new OneToOne(1024, null, { recordBytes: 4096 }))
      console.log(rings.length > 0)`)
    expect(said.split(/\s+/)).toEqual(['ERR_OUT_OF_MEMORY', 'true'])
  })
})
