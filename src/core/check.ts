import { SpillwayError } from './errors.ts'

/** What to throw at an argument that will not do; the message says which, and what it must be. */
export function invalid(message: string, options?: ErrorOptions): SpillwayError {
  return new SpillwayError('ERR_INVALID_ARGUMENT', message, options)
}

/** A whole number within these bounds: itself. */
export function checkInteger(name: string, value: unknown, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number
  throw invalid(`${name} must be an integer from ${least} to ${most}, not ${String(value)}`)
}

/** A number within these bounds, infinity included where there is no upper one: itself. */
export function checkNumber(
  name: string,
  value: unknown,
  least: number,
  most: number = Number.POSITIVE_INFINITY,
): number {
  if (typeof value === 'number' && value >= least && value <= most) return value
  const upTo = most === Number.POSITIVE_INFINITY ? '' : ` to ${most}`
  throw invalid(`${name} must be a number from ${least}${upTo}, not ${String(value)}`)
}

/** How long a call may wait; for ever where nothing is said. */
export function checkTimeout(timeoutMs: unknown = Number.POSITIVE_INFINITY): number {
  return checkNumber('timeoutMs', timeoutMs, 0)
}

/** Of a machine, or of one of its addresses: itself. Whether there is such a one only a look-up can tell. */
export function checkHost(name: string, host: unknown): string {
  if (typeof host === 'string' && host.trim() !== '') return host
  throw invalid(`${name} must be a name or an IP address, not '${String(host)}'`)
}

/** An option that is a whole number, or was left to its default. */
export function integerOption<T extends object>(
  options: T,
  name: keyof T & string,
  standard: number,
  least: number,
  most: number,
): number {
  return checkInteger(name, options[name] ?? standard, least, most)
}

/** An option that is a number, or was left to its default. */
export function numberOption<T extends object>(
  options: T,
  name: keyof T & string,
  standard: number,
  least: number,
  most?: number,
): number {
  return checkNumber(name, options[name] ?? standard, least, most)
}
