// A test API small enough to run anywhere: vitest registers the cases (to-vitest.ts), and in a runtime without vitest
// `runAll` runs them. Nothing here may import anything.

/** What a case needs of its host. A case whose host lacks it is skipped, and the report says why. */
export type Need =
  /** can start threads that share memory */
  | 'threads'
  /** this thread may block */
  | 'blocking'
  /** hears of the end of a thread, and it is proof that the thread has stopped */
  | 'exits'
  /** a shared memory may be structured-cloned here */
  | 'sharing'

export interface Case {
  readonly name: string
  readonly needs: readonly Need[]
  readonly run: () => void | Promise<void>
}

export interface Suite {
  readonly name: string
  readonly cases: readonly Case[]
}

export interface Collector {
  test(name: string, run: () => void | Promise<void>, options?: { needs?: Need[] }): void
}

export function suite(name: string, collect: (t: Collector) => void): Suite {
  const cases: Case[] = []
  collect({ test: (title, run, { needs = [] } = {}) => cases.push({ name: title, needs, run }) })
  return { name, cases }
}

// ---- assertions ------------------------------------------------------------------------------------------

export class Mismatch extends Error {
  override name = 'Mismatch'
}

export function fail(message: string): never {
  throw new Mismatch(message)
}

export function ok(value: unknown, message = 'expected a truthy value'): asserts value {
  if (!value) fail(`${message}; got ${show(value)}`)
}

export function equal<T>(actual: T, expected: T, what = 'value'): void {
  if (!Object.is(actual, expected)) fail(`${what}: expected ${show(expected)}, got ${show(actual)}`)
}

export function deepEqual(actual: unknown, expected: unknown, what = 'value'): void {
  const path = difference(actual, expected, what)
  if (path) fail(path)
}

/** Where two values first differ, or nothing. Byte arrays equal byte arrays of the same content, whatever their buffer. */
function difference(actual: unknown, expected: unknown, path: string): string | undefined {
  if (Object.is(actual, expected)) return undefined
  const isPair =
    typeof actual === 'object' && typeof expected === 'object' && actual !== null && expected !== null
  if (!isPair || ArrayBuffer.isView(actual) !== ArrayBuffer.isView(expected))
    return `${path}: expected ${show(expected)}, got ${show(actual)}`
  const keys = new Set([...Object.keys(actual), ...Object.keys(expected)])
  const lengths = [actual, expected].map((list) => (list as { length?: number }).length)
  if (lengths[0] !== lengths[1])
    return `${path}.length: expected ${lengths[1]}, got ${lengths[0]} (${show(expected)} against ${show(actual)})`
  for (const key of keys) {
    const found = difference(
      (actual as Record<string, unknown>)[key],
      (expected as Record<string, unknown>)[key],
      `${path}.${key}`,
    )
    if (found) return found
  }
  return undefined
}

/** `fn` throws an error with this `code`. */
export function throwsCode(fn: () => unknown, code: string, what = 'the call'): void {
  let result: unknown
  try {
    result = fn()
  } catch (error) {
    checkCode(error, code, what)
    return
  }
  fail(`${what}: expected ${code} to be thrown, got ${show(result)}`)
}

export async function rejectsCode(
  fn: () => Promise<unknown>,
  code: string,
  what = 'the call',
): Promise<void> {
  let result: unknown
  try {
    result = await fn()
  } catch (error) {
    return checkCode(error, code, what)
  }
  fail(`${what}: expected a rejection with ${code}, got ${show(result)}`)
}

function checkCode(error: unknown, code: string, what: string): void {
  const actual = (error as { code?: unknown }).code
  if (actual !== code) fail(`${what}: expected an error with code ${code}, got ${show(error)}`)
  ok((error as Error).message.length > 10, `${what}: ${code} has no message that says what to do`)
}

export function show(value: unknown): string {
  if (value instanceof Error) {
    const code = (value as { code?: unknown }).code
    return `${value.name}${code === undefined ? '' : ` ${String(code)}`}: ${value.message}`
  }
  if (value instanceof Uint8Array) {
    const head = [...value.subarray(0, 24)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    return `bytes(${value.length})[${head}${value.length > 24 ? ' ...' : ''}]`
  }
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value))
    return `[${value.slice(0, 12).map(show).join(', ')}${value.length > 12 ? ', ...' : ''}]`
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([key, field]) => `${key}: ${show(field)}`)
    return `{ ${fields.join(', ')} }`
  }
  return String(value)
}

// ---- bytes -----------------------------------------------------------------------------------------------

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The UTF-8 of a string. */
export const bytes = (string: string): Uint8Array => encoder.encode(string)

/** The string of a record; a missing record stays missing. */
export const text = (record: Uint8Array | undefined): string | undefined => record && decoder.decode(record)

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Waits until `condition` holds; fails after `timeoutMs`. */
export async function until(condition: () => boolean, what: string, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!condition()) {
    if (Date.now() > deadline) fail(`${what}: not within ${timeoutMs} ms`)
    await sleep(1)
  }
}

/** The promise's value; fails when it takes longer than `timeoutMs`. */
export async function within<T>(promise: Promise<T>, what: string, timeoutMs = 10_000): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Mismatch(`${what}: not within ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

// ---- running ---------------------------------------------------------------------------------------------

export interface CaseResult {
  name: string
  status: 'passed' | 'failed' | 'skipped'
  /** why it failed or was skipped */
  detail?: string
  ms: number
}

export interface RunResult {
  passed: number
  failed: number
  skipped: number
  cases: CaseResult[]
  failures: CaseResult[]
}

export const fullName = (suite: Suite, test: Case): string => `${suite.name} > ${test.name}`

export interface RunOptions {
  /** what this host has */
  has: readonly Need[]
  timeoutMs?: number
  onCase?: (result: CaseResult) => void
}

export async function runAll(suites: readonly Suite[], options: RunOptions): Promise<RunResult> {
  const cases: CaseResult[] = []
  for (const group of suites) {
    for (const test of group.cases) {
      const result = await runCase(fullName(group, test), test, options)
      options.onCase?.(result)
      cases.push(result)
    }
  }
  const failures = cases.filter(({ status }) => status === 'failed')
  const skipped = cases.filter(({ status }) => status === 'skipped').length
  return {
    passed: cases.length - failures.length - skipped,
    failed: failures.length,
    skipped,
    cases,
    failures,
  }
}

async function runCase(
  name: string,
  test: Case,
  { has, timeoutMs = 60_000 }: RunOptions,
): Promise<CaseResult> {
  const lacks = missingNeeds(test, has)
  if (lacks) return { name, status: 'skipped', detail: lacks, ms: 0 }
  const started = performance.now()
  const ms = () => Math.round(performance.now() - started)
  try {
    await within(Promise.resolve(test.run()), 'the case', timeoutMs)
    return { name, status: 'passed', ms: ms() }
  } catch (error) {
    const stack =
      error instanceof Error && error.stack ? `\n${error.stack.split('\n').slice(1, 6).join('\n')}` : ''
    return { name, status: 'failed', detail: show(error) + stack, ms: ms() }
  }
}

export function missingNeeds(test: Case, has: readonly Need[]): string | undefined {
  const lacks = test.needs.filter((need) => !has.includes(need))
  return lacks.length === 0 ? undefined : `this host lacks: ${lacks.join(', ')}`
}
