import {
  type BothWays,
  type Change,
  channelKinds,
  type Knob,
  knobNames,
  knobs,
  type Setting,
  strategies,
  usualSetting,
} from './setting.ts'

// A setting as the query of an address: `seed=7&loss=5&latency=40,80&change=3000:loss=20`. Two numbers are for there and back. What is as usual is left out.

export class SettingError extends Error {
  override readonly name = 'SettingError'
}

const MOST_SEED = 2 ** 32 - 1
const MOST_CHANNELS = 8
const MOST_BYTES = 8000
const MOST_MESSAGES = 2000
const DAY_MS = 86_400_000
const WAYS = ['left', 'both'] as const

/** Of each name that is no knob: from text, and to text. */
const fields: { readonly [name in Field]: Codec<Setting[name]> } = {
  plan: { parse: (text) => numberOf('plan', text, 0, MOST_SEED, true), format: String },
  seed: { parse: (text) => numberOf('seed', text, 0, MOST_SEED, true), format: String },
  congestion: { parse: (text) => oneOf('congestion', text, strategies), format: String },
  channels: { parse: channelsOf, format: (kinds) => kinds.join(',') },
  messages: { parse: (text) => numberOf('messages', text, 0, MOST_MESSAGES), format: String },
  bytes: { parse: (text) => numberOf('bytes', text, 8, MOST_BYTES, true), format: String },
  from: { parse: (text) => oneOf('from', text, WAYS), format: String },
}
type Field = Exclude<keyof Setting, 'links' | 'changes'>
const fieldNames = Object.keys(fields) as Field[]

interface Codec<T> {
  parse(text: string): T
  format(value: T): string
}

export function parseSetting(query: string): Setting {
  const given = [...new URLSearchParams(query)]
  const setting = { ...usualSetting, links: { ...usualSetting.links } }
  const changes: Change[] = []
  const seen = new Set<string>()
  for (const [name, text] of given) {
    if (name === 'change') changes.push(changeOf(text))
    else if (seen.has(name)) throw new SettingError(`${name} is there twice`)
    else if (isKnob(name)) setting.links[name] = bothWaysOf(name, text)
    else if (isField(name)) Object.assign(setting, { [name]: fields[name].parse(text) })
    else
      throw new SettingError(
        `there is no setting ${name}: ${[...fieldNames, ...knobNames, 'change'].join(', ')}`,
      )
    seen.add(name)
  }
  const other = [...seen].find((name) => name !== 'plan' && name !== 'change')
  if (setting.plan !== undefined && other !== undefined)
    throw new SettingError(`a plan says all by itself: leave out ${other}, or plan`)
  // Stable: what is turned at the same time stays in its order.
  return { ...setting, changes: changes.sort((one, next) => one.atMs - next.atMs) }
}

export function formatSetting(setting: Setting): string {
  const parts: string[] = []
  const add = (name: string, text: string, usual: string) => text !== usual && parts.push(`${name}=${text}`)
  const names = setting.plan === undefined ? fieldNames : (['plan'] as const)
  for (const name of names) {
    const { format } = fields[name] as Codec<unknown>
    add(name, format(setting[name]), format(usualSetting[name]))
  }
  if (setting.plan === undefined)
    for (const knob of knobNames) add(knob, textOf(setting.links[knob]), textOf(usualSetting.links[knob]))
  for (const { atMs, knob, to } of setting.changes) parts.push(`change=${atMs}:${knob}=${textOf(to)}`)
  return parts.join('&')
}

function textOf([there, back]: BothWays): string {
  return there === back ? String(there) : `${there},${back}`
}

function isKnob(name: string): name is Knob {
  return Object.hasOwn(knobs, name)
}

function isField(name: string): name is Field {
  return Object.hasOwn(fields, name)
}

function changeOf(text: string): Change {
  const [, at, knob, to] = /^([^:]*):([^=]*)=(.*)$/.exec(text) ?? []
  if (at === undefined || !isKnob(knob!))
    throw new SettingError(
      `a change is a time in ms and a setting of the links, as 3000:loss=20, not ${text}`,
    )
  return { atMs: numberOf('the time of a change', at, 0, DAY_MS), knob, to: bothWaysOf(knob, to!) }
}

function bothWaysOf(knob: Knob, text: string): BothWays {
  const { most, unit } = knobs[knob]
  const values = text.split(',').map((part) => numberOf(knob, part, 0, most, false, ` ${unit}`))
  if (values.length > 2)
    throw new SettingError(`${knob} has one value, or two for there and back, not ${text}`)
  const [there, back = there] = values
  return [there!, back!]
}

function channelsOf(text: string): Setting['channels'] {
  const kinds = text.split(',').map((part) => oneOf('a channel', part, channelKinds))
  if (kinds.length > MOST_CHANNELS) throw new SettingError(`there may be ${MOST_CHANNELS} channels`)
  if (kinds.indexOf('packets') !== kinds.lastIndexOf('packets'))
    throw new SettingError('packets can be sent in one way only: name them once')
  return kinds
}

function oneOf<T extends string>(name: string, text: string, among: readonly T[]): T {
  const found = among.find((one) => one === text)
  if (found !== undefined) return found
  throw new SettingError(`${name} is one of ${among.join(', ')}, not ${text}`)
}

function numberOf(
  name: string,
  text: string,
  least: number,
  most: number,
  isWhole = false,
  unit = '',
): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value
  throw new SettingError(
    `${name} is a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}${unit}, not ${text}`,
  )
}
