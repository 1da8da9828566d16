// What threads do, in words.

import type { Atlas } from '../../src/sim/atlas/atlas.ts'
import { placeName } from '../../src/sim/atlas/places.ts'
import type { Machine, StepEvent } from '../../src/sim/machine.ts'
import type { Op } from '../../src/sim/program.ts'

/** A function as a reader of the code finds it: `laneSet`, in `diode/lane-writer.ts`. */
export interface Source {
  readonly func: string
  readonly file: string
}

export function sourceOf(func: string): Source {
  const parts = func.replace(/^assembly\//, '').split('/')
  const name = parts.pop()!
  return { func: name, file: parts.length > 0 ? `assembly/${parts.join('/')}.ts` : '' }
}

/** Addresses and tokens by their names, and without the generations, which say nothing here. */
export function opText(op: Op | undefined, atlas: Atlas): string {
  const { structures, members } = atlas
  if (op === undefined) return 'nothing more to do'
  if ('call' in op) {
    const args = op.args.flatMap((arg, i) => {
      const object = structures.find(({ address }) => address === arg)
      if (object !== undefined) return [object.title]
      const before = op.args[i - 1]
      if (structures.some(({ address }) => address === before)) return []
      return [members.find(({ token }) => token === arg)?.name ?? `${arg}`]
    })
    return `${op.call}(${args.join(', ')})`
  }
  if ('wait' in op) {
    const place = placeName(atlas, op.wait)
    return place.startsWith('bell') ? `sleep at the ${place}` : `sleep at ${place} while it is ${op.value}`
  }
  if ('notify' in op) return `wake who sleeps at ${placeName(atlas, op.notify)}`
  if ('read' in op) return `look at ${op.bytes} bytes`
  return 'write' in op ? `write ${op.data.length} bytes` : ''
}

/** `i64.atomic.store` as a person says it. */
export function verbOf(kind: string, op: string): string {
  if (kind === 'kill') return 'is killed'
  if (kind === 'join') return 'sees that it has ended'
  if (kind === 'wait') return 'goes to sleep at'
  if (kind === 'notify') return 'wakes who sleeps at'
  const atomic = op.includes('.atomic.') ? 'atomically ' : ''
  if (kind === 'rmw')
    return op.includes('cmpxchg') ? 'compares and swaps' : `${atomic}changes (${op.split('.').at(-1)})`
  return /load|read/.test(kind) ? `${atomic}reads` : `${atomic}writes`
}

/** What a thread does next: what, where, by which line of the source. */
export interface Next {
  readonly verb: string
  readonly place: string
  readonly op: string
  readonly source: Source
}

export function nextOf(machine: Machine, atlas: Atlas, thread: number): Next | undefined {
  const pending = machine.pending(thread)
  if (pending === undefined) return undefined
  const { kind, op, func } = machine.sites[pending.site]!
  return {
    verb: verbOf(kind, op),
    place: placeName(atlas, pending.address),
    op,
    source: sourceOf(func),
  }
}

/** One line of the trace. */
export function eventText(event: StepEvent, atlas: Atlas): string {
  const { kind, site, address, before, after, result, op } = event
  const call = op !== undefined && 'call' in op ? op.call : ''
  if (kind === 'kill') return `killed${call === '' ? '' : ` in ${call}`}`
  const what = verbOf(kind, site?.op ?? '')
  const place = address === undefined ? '' : ` ${placeName(atlas, address)}`
  const change =
    before === undefined
      ? ''
      : before === after
        ? `: ${short(before)}`
        : `: ${short(before)} → ${short(after!)}`
  const end =
    result === undefined || call === '' ? '' : `; ${call} answers ${atlas.codes.get(result) ?? result}`
  return `${what}${place}${change}${end}`
}

/** Bytes of text are shown as text, numbers without their leading zeros. */
export function short(hex: string): string {
  if (!hex.startsWith('0x')) return textIn(hex.split(' ').map((byte) => Number.parseInt(byte, 16)))
  const digits = hex.slice(2)
  const bytes = (digits.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)).reverse()
  if (bytes.length === 8 && bytes.every(isPrintable)) return textIn(bytes)
  const value = BigInt(hex)
  return value < 100_000n ? value.toString() : `0x${value.toString(16)}`
}

export function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f
}

export function textIn(bytes: readonly number[]): string {
  return bytes.map((byte) => (isPrintable(byte) ? String.fromCharCode(byte) : '·')).join('')
}
