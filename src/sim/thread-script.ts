import type { Json, Op, Program } from './program.ts'

/** A program with the states it has been in: each distinct one has a number, which is what snapshots hold. */
export class ThreadScript {
  readonly program: Program
  readonly states: Json[] = []
  readonly ops: (Op | undefined)[] = []
  /** The site of a driver op, by state; -1 for calls and joins. */
  readonly sites: number[] = []
  private readonly ids = new Map<string | number, number>()
  private readonly siteOf: (op: Op | undefined) => number

  constructor(program: Program, siteOf: (op: Op | undefined) => number) {
    this.program = program
    this.siteOf = siteOf
  }

  intern(state: Json): number {
    const key = typeof state === 'number' ? state : JSON.stringify(state)
    const known = this.ids.get(key)
    if (known !== undefined) return known
    const id = this.states.push(freeze(state)) - 1
    const op = this.program.next(state)
    this.ids.set(key, id)
    this.ops.push(op)
    this.sites.push(this.siteOf(op))
    return id
  }
}

/** A program that changes its state in place would change the past. */
function freeze<T extends Json>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) freeze(inner as Json)
  return Object.freeze(value)
}
