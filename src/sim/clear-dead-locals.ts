/**
 * Asyncify saves, at every suspension, each local that is live at *some* suspension of the function. What
 * is dead at this one is leftover of the past, and makes equal states look different: loops that retry would
 * then unroll. So after each suspension point, on the text that Asyncify leaves, every local that the code
 * does not read when it resumes is set to zero. Clearing less than possible is harmless, so unknown means live.
 */
export function clearDeadLocals(stackIR: string): string {
  const out: string[] = []
  let body: string[] | undefined
  let header = ''
  for (const line of stackIR.split('\n')) {
    if (line.startsWith(' (func ')) {
      header = line
      body = []
    } else if (body && line === ' )') {
      out.push(header, ...clearInFunction(header, body), line)
      body = undefined
    } else if (body) {
      body.push(line)
    } else {
      out.push(line)
    }
  }
  return out.join('\n')
}

const STATE = 'global.get $__asyncify_state'
const UNWIND = /^br(_if)? \$"?__asyncify_unwind/
const LOCAL = /\((?:local|param) (\S+) (\w+)\)/g

function clearInFunction(header: string, lines: string[]): string[] {
  if (!lines.some((line) => UNWIND.test(line.trim()))) return lines
  const declarations = lines.filter((line) => line.startsWith('  (local '))
  const code = lines.slice(declarations.length).map((line) => line.trim())
  const locals = localsOf([header, ...declarations].join('\n'))
  const flow = new Flow(code)
  const live = liveness(flow, locals.names)
  const out = [...declarations]
  code.forEach((instruction, i) => {
    if (UNWIND.test(instruction)) out.push(...clearing(locals, live[flow.resumeOf(i)]!))
    out.push(`  ${instruction}`)
  })
  return out
}

interface Locals {
  names: Map<string, number>
  types: string[]
}

function localsOf(text: string): Locals {
  const names = new Map<string, number>()
  const types: string[] = []
  for (const [, name, type] of text.matchAll(LOCAL)) {
    names.set(name!, types.length)
    types.push(type!)
  }
  return { names, types }
}

/** Stack neutral, so it can stand between a branch and its operands. */
function clearing(locals: Locals, live: bigint): string[] {
  const lines: string[] = []
  for (const [name, index] of locals.names) {
    if ((live >> BigInt(index)) & 1n) continue
    const type = locals.types[index]!
    lines.push(type === 'v128' ? '  v128.const i32x4 0 0 0 0' : `  ${type}.const 0`, `  local.set ${name}`)
  }
  return lines
}

/** Live locals before each instruction; one entry more for the end of the function. */
function liveness(flow: Flow, names: Map<string, number>): bigint[] {
  const size = flow.code.length
  const live: bigint[] = new Array(size + 1).fill(0n)
  const bits = flow.code.map((line) => localBit(line, names))
  for (let changed = true; changed; ) {
    changed = false
    for (let i = size - 1; i >= 0; i--) {
      let after = 0n
      for (const next of flow.successors[i]!) after |= live[next]!
      const bit = bits[i]!
      const before = flow.code[i]!.startsWith('local.get') ? after | bit : after & ~bit
      if (before === live[i]) continue
      live[i] = before
      changed = true
    }
  }
  return live
}

function localBit(line: string, names: Map<string, number>): bigint {
  const match = /^local\.(?:get|set|tee) (\S+)$/.exec(line)
  return match ? 1n << BigInt(names.get(match[1]!)!) : 0n
}

interface Block {
  label: string | undefined
  start: number
  end: number
  otherwise: number
  loop: boolean
}

/** The control flow of one function as it runs normally, that is with the Asyncify state known to be 0. */
class Flow {
  readonly code: string[]
  readonly successors: number[][] = []
  private readonly blockAt = new Map<number, Block>()
  private readonly enclosing: Block[][] = []

  constructor(code: string[]) {
    this.code = code
    this.findBlocks()
    code.forEach((_, i) => {
      this.successors.push(this.successorsOf(i))
    })
  }

  /** Where normal execution goes on past the unwinding branch at `index`. */
  resumeOf(index: number): number {
    if (this.code[index]!.startsWith('br_if')) return index + 1
    const inner = this.enclosing[index]!.at(-1)!
    return inner.otherwise >= 0 ? inner.otherwise + 1 : inner.end
  }

  private findBlocks(): void {
    const open: Block[] = []
    this.code.forEach((line, i) => {
      if (/^(block|loop|if)\b/.test(line)) {
        const label = /^(?:block|loop|if) (\$"(?:[^"\\]|\\.)*"|\$[^\s()]+)/.exec(line)?.[1]
        open.push({ label, start: i, end: -1, otherwise: -1, loop: line.startsWith('loop') })
        this.blockAt.set(i, open.at(-1)!)
      } else if (line === 'else') {
        open.at(-1)!.otherwise = i
        this.blockAt.set(i, open.at(-1)!)
      } else if (line === 'end') {
        open.pop()!.end = i
      }
      this.enclosing.push([...open])
    })
  }

  private successorsOf(i: number): number[] {
    const line = this.code[i]!
    if (line === 'return' || line === 'unreachable') return []
    if (line === 'else') return [this.blockAt.get(i)!.end]
    if (line.startsWith('if')) return this.branch(i, i + 1, this.falseSide(i))
    if (line.startsWith('br_if')) return this.branch(i, this.target(i, line.split(' ')[1]!), i + 1)
    if (line.startsWith('br_table'))
      return [...line.matchAll(/\$\S+/g)].map(([label]) => this.target(i, label))
    if (line.startsWith('br ')) return [this.target(i, line.split(' ')[1]!)]
    return [i + 1]
  }

  private falseSide(i: number): number {
    const block = this.blockAt.get(i)!
    return block.otherwise >= 0 ? block.otherwise + 1 : block.end
  }

  private branch(i: number, taken: number, notTaken: number): number[] {
    const { value } = this.evaluate(i - 1)
    if (value === undefined) return [taken, notTaken]
    return [value !== 0 ? taken : notTaken]
  }

  private target(i: number, label: string): number {
    const block = this.enclosing[i]!.findLast((candidate) => candidate.label === label)
    if (!block) throw new Error(`instrument: no block ${label}`)
    return block.loop ? block.start : block.end
  }

  /**
   * The value of the expression that ends at `i`, as far as the state being 0 decides it, and where it
   * starts. An operand that is not understood has no start: what is left of it cannot be told.
   */
  private evaluate(i: number): { value?: number; start?: number } {
    const line = this.code[i] ?? ''
    if (line === STATE) return { value: 0, start: i }
    if (line.startsWith('i32.const ')) return { value: Number(line.slice(10)), start: i }
    if (line.startsWith('local.get ')) return { start: i }
    if (line === 'i32.eqz') {
      const { value, start } = this.evaluate(i - 1)
      return known(value === undefined ? undefined : Number(value === 0), start)
    }
    const combine = BINARY[line]
    if (!combine) return {}
    const right = this.evaluate(i - 1)
    const left = right.start === undefined ? {} : this.evaluate(right.start - 1)
    return known(combine(left.value, right.value), left.start)
  }
}

type MaybeNumber = number | undefined

const BINARY: Record<string, (left: MaybeNumber, right: MaybeNumber) => MaybeNumber> = {
  'i32.eq': (left, right) => (left === undefined || right === undefined ? undefined : Number(left === right)),
  'i32.ne': (left, right) => (left === undefined || right === undefined ? undefined : Number(left !== right)),
  'i32.or': (left, right) => {
    // Either side alone decides, when it is not zero.
    if (left || right) return (left ?? 0) | (right ?? 0) || 1
    return left === undefined || right === undefined ? undefined : 0
  },
  'i32.and': (left, right) => {
    if (left === 0 || right === 0) return 0
    return left === undefined || right === undefined ? undefined : left & right
  },
}

function known(value: MaybeNumber, start: MaybeNumber): { value?: number; start?: number } {
  return { ...(value !== undefined && { value }), ...(start !== undefined && { start }) }
}
