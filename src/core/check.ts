import { SpillwayError } from './errors.ts'

/** An option that counts something: itself, or an error that says what it must be. */
export function checkInteger(name: string, value: unknown, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number
  throw new SpillwayError(
    'ERR_INVALID_ARGUMENT',
    `${name} must be an integer from ${least} to ${most}, not ${String(value)}`,
  )
}
