import { type AccessKind, type MemoryOp, parseMemoryOp, type Site, type ValueType } from './access-ops.ts'
import { copyHelper, fillHelper, GRANULES, vectorHelpers } from './copy-helpers.ts'

/** The part of `binaryen` that is used here; a devDependency, therefore an argument. */
export interface BinaryenLike {
  Features: Record<string, number>
  readBinary(bytes: Uint8Array): BinaryenModule
  parseText(text: string): BinaryenModule
  setOptimizeLevel(level: number): void
  getOptimizeLevel(): number
  setShrinkLevel(level: number): void
  getShrinkLevel(): number
  setDebugInfo(on: boolean): void
  getDebugInfo(): boolean
  setPassArgument(key: string, value: string | null): void
}

/** As much of a module of binaryen as is used here. */
export interface BinaryenModule {
  emitStackIR(): string
  emitBinary(): Uint8Array
  setFeatures(features: number): void
  validate(): number | boolean
  runPasses(passes: string[]): void
  optimize(): void
  dispose(): void
}

/** How fine the scheduling points are. */
export interface InstrumentOptions {
  /** Granule of `memory.copy` and `memory.fill`; smaller shows more tearing and costs more states. Default 8. */
  granuleBytes?: 8 | 4 | 2 | 1
  /** Optimise after Asyncify. Default true: a third fewer nanoseconds a step, the same accesses. */
  optimize?: boolean
}

/** A Wasm binary in which every shared access is a scheduling point. JSON-able but for `bytes`. */
export interface Instrumented {
  bytes: Uint8Array
  sites: Site[]
  /** Where the module imports its memory from, and how many pages it asks for. */
  memory: { module: string; name: string; pages: number }
}

const FUNC_LINE = /^ \(func (\$"(?:[^"\\]|\\.)*"|\$[^\s()]+)/
const EXPORT_LINE = /^ \(export "([^"]+)" \(func (\$"(?:[^"\\]|\\.)*"|\$[^\s()]+)\)\)/
const MEMORY_IMPORT = /^ \(import "([^"]*)" "([^"]*)" \(memory (\$\S+) (\d+)( \d+)?( shared)?\)\)/

const HOOK_IMPORTS = [
  ' (import "sim" "access" (func $sim.access (param i32 i32) (result i32)))',
  ' (import "sim" "notify" (func $sim.notify (param i32 i32) (result i32)))',
  ' (import "sim" "size" (func $sim.size (result i32)))',
  ' (import "sim" "grow" (func $sim.grow (param i32) (result i32)))',
]

/**
 * Rewrites a Wasm binary so that `sim.access(address, site)` is called before each access and may suspend
 * the whole call there (Asyncify). The hook returns the address to use, so no local has to keep it alive.
 */
export function instrument(
  binaryen: BinaryenLike,
  wasmBytes: Uint8Array,
  options: InstrumentOptions = {},
): Instrumented {
  const source = binaryen.readBinary(wasmBytes)
  const text = source.emitStackIR()
  source.dispose()
  const rewriter = new Rewriter(options.granuleBytes ?? 8)
  const rewritten = rewriter.rewrite(text.split('\n'))
  const bytes = asyncify(binaryen, rewritten, options.optimize ?? true)
  return { bytes, sites: rewriter.sites, memory: rewriter.memory }
}

function asyncify(binaryen: BinaryenLike, text: string, optimize: boolean): Uint8Array {
  const level = binaryen.getOptimizeLevel()
  const shrink = binaryen.getShrinkLevel()
  const debug = binaryen.getDebugInfo()
  try {
    binaryen.setDebugInfo(true)
    binaryen.setShrinkLevel(0)
    // Level 2 makes the pass coalesce the locals that it saves: frames shrink to a third.
    binaryen.setOptimizeLevel(2)
    binaryen.setPassArgument('asyncify-imports', 'sim.access')
    const suspending = transform(binaryen, text, (module) => {
      module.runPasses(['asyncify'])
      return module.emitStackIR()
    })
    return transform(binaryen, suspending, (module) => {
      if (optimize) module.optimize()
      if (!module.validate()) throw new Error('instrument: the result does not validate')
      return module.emitBinary()
    })
  } finally {
    binaryen.setPassArgument('asyncify-imports', null)
    binaryen.setOptimizeLevel(level)
    binaryen.setShrinkLevel(shrink)
    binaryen.setDebugInfo(debug)
  }
}

function transform<T>(binaryen: BinaryenLike, text: string, action: (module: BinaryenModule) => T): T {
  const module = binaryen.parseText(text)
  try {
    module.setFeatures(featureSet(binaryen))
    return action(module)
  } finally {
    module.dispose()
  }
}

/** What every engine has: with `Features.All` the optimiser may emit types that Node 20 does not read. */
function featureSet(binaryen: BinaryenLike): number {
  const names = ['Atomics', 'BulkMemory', 'MutableGlobals', 'SIMD128', 'SignExt', 'NontrappingFPToInt']
  return names.reduce((set, name) => set | (binaryen.Features[name] ?? 0), 0)
}

/** Line by line: Stack IR has one instruction a line, and its functions never nest. */
class Rewriter {
  readonly sites: Site[] = []
  memory: Instrumented['memory'] = { module: '', name: '', pages: 0 }
  private readonly granule: number
  private func = ''
  private line: string | undefined
  private readonly exportNames = new Map<string, string>()
  private readonly body: string[] = []
  private readonly temps = new Map<string, ValueType>()

  constructor(granule: number) {
    this.granule = granule
  }

  rewrite(lines: string[]): string {
    for (const line of lines) this.noteExport(line)
    const out: string[] = []
    let locals = -1
    for (const line of lines) {
      if (line.startsWith(' (func ')) {
        this.enterFunction(line)
        out.push(line)
        locals = out.length
      } else if (locals >= 0 && line === ' )') {
        out.splice(locals, 0, ...this.declareTemps())
        out.push(...this.body, line)
        locals = -1
      } else if (locals >= 0) {
        // Declarations must stay ahead of the body; the temporaries join them at the end.
        if (line.startsWith('  (local ')) out.push(line)
        else this.rewriteInstruction(line)
      } else {
        this.rewriteModuleField(line, out)
      }
    }
    if (this.memory.pages === 0) throw new Error('instrument: the module must import its memory')
    return this.addHelpers(out).join('\n')
  }

  private noteExport(line: string): void {
    const match = EXPORT_LINE.exec(line)
    if (match) this.exportNames.set(match[2]!, match[1]!)
  }

  private enterFunction(line: string): void {
    const name = FUNC_LINE.exec(line)?.[1] ?? '$?'
    const anonymous = /^\$\d+$/.test(name)
    this.func = (anonymous && this.exportNames.get(name)) || name.replace(/^\$"?|"$/g, '')
    this.line = undefined
    this.body.length = 0
    this.temps.clear()
  }

  private declareTemps(): string[] {
    return [...this.temps].map(([name, type]) => `  (local ${name} ${type})`)
  }

  private rewriteModuleField(line: string, out: string[]): void {
    if (/^ \(global \S+ \(mut /.test(line)) {
      throw new Error(`instrument: a mutable global is state no snapshot would see: ${line.trim()}`)
    }
    if (line.startsWith(' (memory ')) throw new Error('instrument: the module must import its memory')
    const memory = MEMORY_IMPORT.exec(line)
    if (!memory) {
      out.push(line)
      if (line.startsWith('(module')) out.push(...HOOK_IMPORTS)
      return
    }
    const [, module, name, id, pages] = memory as unknown as string[]
    this.memory = { module: module!, name: name!, pages: Number(pages) }
    out.push(` (import "${module}" "${name}" (memory ${id} ${pages} 65536))`)
  }

  private rewriteInstruction(line: string): void {
    const code = line.trim()
    if (code.startsWith(';;@')) {
      this.line = code.slice(3).trim()
      return
    }
    if (/^memory\.atomic\.wait|^memory\.init|^data\.drop/.test(code)) {
      throw new Error(`instrument: ${code.split(' ')[0]} in ${this.func} is not supported`)
    }
    const op = parseMemoryOp(code)
    if (code.startsWith('memory.copy')) this.emitBulk('$sim.copy', this.copySites())
    else if (code.startsWith('memory.fill')) this.emitBulk('$sim.fill', this.fillSites())
    else if (code === 'memory.size') this.body.push('  call $sim.size')
    else if (code === 'memory.grow') this.body.push('  call $sim.grow')
    else if (!op) this.body.push(line)
    else if (op.kind === 'notify') this.emitNotify(op)
    else if (op.bytes === 16) this.emitVector(op)
    else this.emitAccess(op, code)
  }

  private emitBulk(helper: string, firstSite: number): void {
    this.body.push(`  i32.const ${firstSite}`, `  call ${helper}`)
  }

  private copySites(): number {
    const first = this.sites.length
    for (const bytes of GRANULES) {
      this.addSite('memory.copy', 'copy-load', bytes, false, 0)
      this.addSite('memory.copy', 'copy-store', bytes, false, 0)
    }
    return first
  }

  private fillSites(): number {
    const first = this.sites.length
    for (const bytes of GRANULES) this.addSite('memory.fill', 'fill-store', bytes, false, 0)
    return first
  }

  /** 16 bytes tear on every machine that matters: two halves, two scheduling points. */
  private emitVector(op: MemoryOp): void {
    const site = this.addSite(op.op, op.kind as AccessKind, 8, false, 0)
    this.addSite(op.op, op.kind as AccessKind, 8, false, 8)
    const saved = this.saveOperands(op.operands)
    this.body.push(...addOffset(op.offset), ...saved, `  i32.const ${site}`, `  call $sim.${op.op}`)
  }

  private emitNotify(op: MemoryOp): void {
    const site = this.addSite(op.op, 'notify', op.bytes, true, 0)
    const saved = this.saveOperands(op.operands)
    this.body.push(...addOffset(op.offset), `  i32.const ${site}`, '  call $sim.access', ...saved)
    this.body.push('  call $sim.notify')
  }

  private emitAccess(op: MemoryOp, code: string): void {
    const site = this.addSite(op.op, op.kind, op.bytes, op.atomic, op.offset)
    const saved = this.saveOperands(op.operands)
    this.body.push(`  i32.const ${site}`, '  call $sim.access', ...saved, `  ${code}`)
  }

  /** Moves the operands above the address to locals; returns the lines that bring them back. */
  private saveOperands(types: ValueType[]): string[] {
    const names = types.map((type, i) => this.temp(type, i))
    for (const name of [...names].reverse()) this.body.push(`  local.set ${name}`)
    return names.map((name) => `  local.get ${name}`)
  }

  private temp(type: ValueType, index: number): string {
    const name = `$sim.${type}.${index}`
    this.temps.set(name, type)
    return name
  }

  private addSite(op: string, kind: AccessKind, bytes: number, atomic: boolean, offset: number): number {
    const site: Site = { func: this.func, op, bytes, kind, atomic, offset }
    if (this.line !== undefined) site.line = this.line
    return this.sites.push(site) - 1
  }

  private addHelpers(out: string[]): string[] {
    const end = out.lastIndexOf(')')
    const helpers = [copyHelper(this.granule), fillHelper(this.granule)]
    const text = out.join('\n')
    // v128 helpers only where they are used: the program may not have SIMD at all.
    if (/call \$sim\.v128/.test(text)) helpers.push(vectorHelpers())
    return [...out.slice(0, end), ...helpers, ...out.slice(end)]
  }
}

function addOffset(offset: number): string[] {
  return offset === 0 ? [] : [`  i32.const ${offset}`, '  i32.add']
}
