import type { Site } from './access-ops.ts'
import type { Machine } from './machine.ts'
import type { Scenario } from './program.ts'

/** A function (all its races), two functions (races between them), or a question about the two sites. */
export type RaceRule = string | readonly [string, string] | ((a: Site, b: Site) => boolean)

/** Which races are meant. */
export interface RaceOptions {
  /** Races on purpose: the reader of a sequence lock, which validates what it copied. */
  allow?: readonly RaceRule[]
}

/** What to look for in a scenario where races count: those that are meant do not. */
export function racesIn({ races }: Pick<Scenario, 'races'>, doCount: boolean): boolean | RaceOptions {
  return doCount && (races ?? true)
}

/**
 * Data races as the memory model of JavaScript and Wasm has them: two accesses that overlap, of which one
 * writes, and which are not both atomic and of the same bytes. A program has one exactly when some state of a
 * sequentially consistent run has two threads parked before such a pair, so that no clocks are needed: looking
 * at every state is complete, whatever path led there.
 */
export class RaceCheck {
  private readonly rules: readonly RaceRule[]
  private readonly verdicts = new Map<number, boolean>()

  constructor(options: RaceOptions) {
    this.rules = options.allow ?? []
  }

  check(machine: Machine): string | undefined {
    for (let a = 0; a < machine.threadCount; a++) {
      for (let b = a + 1; b < machine.threadCount; b++) {
        if (machine.overlap(a, b) && this.races(machine, a, b)) return describe(machine, a, b)
      }
    }
    return undefined
  }

  private races(machine: Machine, a: number, b: number): boolean {
    if (machine.isBlocked(a) || machine.isBlocked(b)) return false
    const siteA = machine.pendingSite(a)
    const siteB = machine.pendingSite(b)
    const sameAddress = machine.pendingAddress(a) === machine.pendingAddress(b)
    const key = (siteA * 65536 + siteB) * 2 + Number(sameAddress)
    let verdict = this.verdicts.get(key)
    if (verdict === undefined) {
      verdict = this.judge(machine.sites[siteA]!, machine.sites[siteB]!, sameAddress)
      this.verdicts.set(key, verdict)
    }
    return verdict
  }

  private judge(a: Site, b: Site, sameAddress: boolean): boolean {
    if (a.kind === 'notify' || b.kind === 'notify') return false
    if (!changes(a) && !changes(b)) return false
    if (a.atomic && b.atomic && sameAddress && a.bytes === b.bytes) return false
    return !this.rules.some((rule) => matches(rule, a, b))
  }
}

function changes(site: Site): boolean {
  return site.kind === 'rmw' || site.kind.endsWith('store') || site.kind === 'driver-write'
}

function matches(rule: RaceRule, a: Site, b: Site): boolean {
  if (typeof rule === 'function') return rule(a, b) || rule(b, a)
  if (typeof rule === 'string') return isIn(a, rule) || isIn(b, rule)
  const [one, other] = rule
  return (isIn(a, one) && isIn(b, other)) || (isIn(a, other) && isIn(b, one))
}

/** Names in debug builds carry the file: `diode/one-to-one/oneToOneSet` is also just `oneToOneSet`. */
export function isIn(site: Site, name: string): boolean {
  return site.func === name || site.func.endsWith(`/${name}`)
}

function describe(machine: Machine, a: number, b: number): string {
  const sides = [a, b].map((thread) => {
    const site = machine.sites[machine.pendingSite(thread)]!
    const name = machine.view.threads[thread]!.name
    return `${name} ${site.op}/${site.bytes} at ${machine.pendingAddress(thread)} in ${site.func}`
  })
  return `data race: ${sides.join(' against ')}`
}
