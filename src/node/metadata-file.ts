import { Buffer } from 'node:buffer'
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import process from 'node:process'

const VERSION = 1
const MOST_ENTRIES = 64
const LONGEST_BYTES = 1024 * 1024

interface FileEntry {
  readonly key: string
  readonly base64: string
  /** Of the bytes: what is read from a file is sent only if it is what was written. */
  readonly sha256: string
}

/** What the file has under `key`. Whatever is wrong with the file: then it has nothing. */
export function readMetadataFile(path: string, key: string): Uint8Array | undefined {
  const entry = readEntries(path).find((other) => other.key === key)
  if (entry === undefined) return undefined
  const bytes = new Uint8Array(Buffer.from(entry.base64, 'base64'))
  return sha256(bytes) === entry.sha256 ? bytes : undefined
}

/** Adds an entry, the oldest go. The file is replaced as a whole: nobody ever reads half of one. Throws as the system does. */
export function writeMetadataFile(path: string, key: string, bytes: Uint8Array): void {
  const others = readEntries(path).filter((other) => other.key !== key)
  const entries = [...others, { key, base64: Buffer.from(bytes).toString('base64'), sha256: sha256(bytes) }]
  let text = textOf(entries.slice(-MOST_ENTRIES))
  while (text.length > LONGEST_BYTES && entries.length > 1) {
    entries.splice(0, Math.ceil(entries.length / 2))
    text = textOf(entries)
  }
  replaceFile(path, text)
}

function readEntries(path: string): FileEntry[] {
  try {
    const { size } = statSync(path)
    if (size > LONGEST_BYTES) return []
    const { spillway, entries } = JSON.parse(readFileSync(path, 'utf8'))
    return spillway === VERSION && Array.isArray(entries) ? entries.filter(isEntry) : []
  } catch {
    return []
  }
}

function isEntry(given: unknown): given is FileEntry {
  const entry = given as Partial<FileEntry> | null
  return [entry?.key, entry?.base64, entry?.sha256].every((field) => typeof field === 'string')
}

function textOf(entries: readonly FileEntry[]): string {
  return JSON.stringify({ spillway: VERSION, entries })
}

/** Metadata may say more of a host than everybody on it should read: for its owner only. */
function replaceFile(path: string, text: string): void {
  const next = `${path}.${process.pid}.${randomUUID()}`
  try {
    writeFileSync(next, text, { mode: 0o600, flag: 'wx' })
    renameSync(next, path)
  } catch (error) {
    rmSync(next, { force: true })
    throw error
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
