import { type ParseArgsConfig, parseArgs } from 'node:util'
import { messageOf } from '../core/errors.ts'
import { usageError } from './exit.ts'

/** A flag of a command: how its text becomes a value, and what the help says of it. */
export interface Flag<T> {
  readonly kind: 'text' | 'optional' | 'list' | 'toggle'
  /** What stands for its value in the help, `<n>` for instance. */
  readonly placeholder: string
  readonly help: string
  /** As it would be typed. */
  readonly defaultText: string | undefined
  /** `text` is `undefined` where the flag was not given. Throws what is wrong with it, without the flag's name. */
  read(text: string | readonly string[] | boolean | undefined): T
}

export type Flags = Readonly<Record<string, Flag<unknown>>>

export type Values<F extends Flags> = {
  readonly [Name in keyof F]: F[Name] extends Flag<infer T> ? T : never
}

export function toggle(help: string): Flag<boolean> {
  return { kind: 'toggle', placeholder: '', help, defaultText: undefined, read: (given) => given === true }
}

export function list(placeholder: string, help: string): Flag<readonly string[]> {
  return {
    kind: 'list',
    placeholder,
    help,
    defaultText: undefined,
    read: (given) => (given === undefined ? [] : (given as readonly string[])),
  }
}

/** `[host:]port`: where to listen. Without a host on this machine alone. */
export function listening(help: string): Flag<Place | undefined> {
  return valued('<[host:]port>', help, undefined, readPlace)
}

/** The same, and the flag alone is this port. */
export function listeningAt(port: number, help: string): Flag<Place | undefined> {
  const read = (given: string) => readPlace(given === '' ? String(port) : given)
  return { ...valued('[[host:]port]', help, undefined, read), kind: 'optional' }
}

export interface Place {
  readonly host: string
  readonly port: number
}

function readPlace(given: string): Place {
  const [, v6, name, digits] = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(given) ?? []
  const port = Number(digits)
  if (port <= 65_535) return { host: v6 ?? name ?? '127.0.0.1', port }
  throw new Error(`must be a port, host:port or [v6 address]:port, not '${given}'`)
}

/** A flag with a value: `read` is for the text, `fallback` is what stands where there is none. */
function valued<T, D>(
  placeholder: string,
  help: string,
  fallback: D,
  read: (text: string) => T,
): Flag<T | D> {
  return {
    kind: 'text',
    placeholder,
    help,
    defaultText: fallback === undefined ? undefined : String(fallback),
    read: (given) => (given === undefined ? fallback : read(given as string)),
  }
}

export function text<D extends string | undefined>(
  placeholder: string,
  help: string,
  fallback: D,
): Flag<string | D> {
  return valued(placeholder, help, fallback, (given) => given)
}

export function choice<T extends string, D extends T | undefined>(
  placeholder: string,
  options: readonly T[],
  help: string,
  fallback: D,
): Flag<T | D> {
  return valued(placeholder, `${help} One of ${options.join(', ')}.`, fallback, (given) => {
    if ((options as readonly string[]).includes(given)) return given as T
    throw new Error(`must be one of ${options.join(', ')}, not '${given}'`)
  })
}

export interface Range {
  readonly from: number
  readonly to?: number
}

export function number<D extends number | undefined>(
  placeholder: string,
  range: Range,
  help: string,
  fallback: D,
): Flag<number | D> {
  return valued(placeholder, help, fallback, (given) => inRange(Number(given || Number.NaN), range, given))
}

export function integer<D extends number | undefined>(
  placeholder: string,
  range: Range,
  help: string,
  fallback: D,
): Flag<number | D> {
  return valued(placeholder, help, fallback, (given) =>
    inRange(/^\d+$/.test(given) ? Number(given) : Number.NaN, range, given),
  )
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/** A number of bytes; `64k`, `4M` and `1G` are 1024 each. */
export function bytes<D extends string | undefined>(
  range: Range,
  help: string,
  fallback: D,
): Flag<D extends string ? number : number | undefined> {
  const read = (given: string) => {
    const [, digits, unit] = /^(\d+)([kmg]?)$/i.exec(given) ?? []
    const value = digits === undefined ? Number.NaN : Number(digits) * UNITS[unit!.toLowerCase()]!
    return inRange(value, range, given)
  }
  const flag = valued('<bytes>', help, fallback, read)
  return {
    ...flag,
    read: (given) => (given === undefined && fallback !== undefined ? read(fallback) : flag.read(given)),
  } as Flag<D extends string ? number : number | undefined>
}

function inRange(value: number, { from, to }: Range, given: string): number {
  if (Number.isFinite(value) && value >= from && value <= (to ?? Number.POSITIVE_INFINITY)) return value
  throw new Error(
    `must be a number ${to === undefined ? `from ${from}` : `from ${from} to ${to}`}, not '${given}'`,
  )
}

export interface Arguments<F extends Flags> {
  readonly values: Values<F>
  readonly operands: readonly string[]
  readonly help: boolean
}

/** Strict: what is not a flag of the command is a usage error that says which there are. */
export function parseFlags<F extends Flags>(args: readonly string[], flags: F): Arguments<F> {
  const options: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } }
  for (const [name, { kind }] of Object.entries(flags)) {
    options[name] = { type: kind === 'toggle' ? 'boolean' : 'string', multiple: kind === 'list' }
  }
  const { values, positionals } = parse(withValues(args, flags), options)
  if (values.help === true) return { values: {} as Values<F>, operands: positionals, help: true }
  const read = Object.entries(flags).map(([name, flag]) => [name, readFlag(name, flag, values[name])])
  return { values: Object.fromEntries(read) as Values<F>, operands: positionals, help: false }
}

/** A flag whose value may be left out gets an empty one, where another flag or nothing follows. */
function withValues(args: readonly string[], flags: Flags): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length
  return args.map((arg, i) => {
    const isAlone = i < end && arg.startsWith('--') && flags[arg.slice(2)]?.kind === 'optional'
    return isAlone && (args[i + 1] ?? '-').startsWith('-') ? `${arg}=` : arg
  })
}

function parse(
  args: readonly string[],
  options: NonNullable<ParseArgsConfig['options']>,
): { values: Record<string, string | boolean | string[] | undefined>; positionals: string[] } {
  try {
    const parsed = parseArgs({ args: [...args], options, strict: true, allowPositionals: true })
    return { ...parsed, values: parsed.values as Record<string, string | boolean | string[] | undefined> }
  } catch (error) {
    const [problem] = messageOf(error).split(/\. |\n/, 1)
    const names = Object.keys(options).map((name) => `--${name}`)
    throw usageError(`${problem}. There are: ${names.sort().join(' ')}`)
  }
}

function readFlag<T>(name: string, flag: Flag<T>, given: string | boolean | string[] | undefined): T {
  try {
    return flag.read(given)
  } catch (error) {
    throw usageError(`--${name} ${messageOf(error)}`)
  }
}

/** Without what is `undefined`: an option that was not given is not there. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
