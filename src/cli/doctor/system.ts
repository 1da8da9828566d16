import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import process from 'node:process'

/** What is read of the system: texts, or `undefined` where there are none, or it is not permitted. */
export interface System {
  readonly platform: string
  read(path: string): string | undefined
  list(path: string): readonly string[]
  link(path: string): string | undefined
}

function ifPermitted<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}

export const thisSystem: System = {
  platform: process.platform,
  read: (path) => ifPermitted(() => readFileSync(path, 'utf8')),
  list: (path) => ifPermitted(() => readdirSync(path)) ?? [],
  link: (path) => ifPermitted(() => readlinkSync(path)),
}

/** A file with one number in it. */
export function numberIn(system: System, path: string): number | undefined {
  const text = system.read(path)?.trim()
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}
