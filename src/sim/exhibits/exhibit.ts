import type { Scenario, StateView } from '../program.ts'

/** Something that whoever looks at an exhibit may choose. */
export type Setting = { readonly name: string; readonly label: string } & (
  | { readonly default: number; readonly least: number; readonly most: number }
  | {
      readonly default: string
      readonly choices: readonly string[]
      /** What to call each of them, where its name says too little. */
      readonly texts?: readonly string[]
    }
)

/** What was chosen, by name. */
export type Settings = Readonly<Record<string, number | string>>

/** A line of the table beside the memory: what a thread has done, as its own program counts it. */
export interface Figure {
  /** Left out: of all. */
  readonly thread?: number
  readonly label: string
  readonly value: number
  /** Growing, it is told as an alert. */
  readonly isLoss?: boolean
}

/** A scenario that shows more of itself than a search needs. */
export interface ExhibitScenario extends Scenario {
  /** The event whose bytes these are; `undefined`: of none, or of two. */
  eventIn?(bytes: readonly number[]): { readonly writer: number; readonly value: number } | undefined
  figures?(view: StateView): Figure[]
  /** The runtime's name of thread 0; the others follow. Default 1. */
  readonly firstKey?: number
}

/** A structure, with a few threads that use it as programs do. */
export interface Exhibit {
  readonly id: string
  readonly title: string
  readonly about: string
  readonly settings: readonly Setting[]
  build(settings: Settings): Omit<ExhibitScenario, 'name'>
}

/** `one-to-one/capacity=2/policy=drop-newest`: the name of the scenario, and so a part of its schedules. */
export function exhibitName({ id, settings }: Exhibit, chosen: Settings): string {
  const others = settings.filter(({ name, default: usual }) => (chosen[name] ?? usual) !== usual)
  return [id, ...others.map(({ name }) => `${name}=${chosen[name]}`)].join('/')
}

/** The settings in a name; throws, and says what there is, where one cannot be. */
export function settingsIn(exhibit: Exhibit, name: string): Settings {
  const chosen: Record<string, number | string> = {}
  for (const setting of exhibit.settings) chosen[setting.name] = setting.default
  for (const part of name.split('/').slice(1)) {
    const [, key = '', text = ''] = /^([^=]*)=?(.*)$/.exec(part)!
    const setting = exhibit.settings.find((one) => one.name === key)
    if (setting === undefined) {
      const names = exhibit.settings.map((one) => one.name).join(', ')
      throw new Error(`${exhibit.id} has no setting '${key}'; it has ${names}`)
    }
    chosen[key] = chosenValue(exhibit.id, setting, text)
  }
  return chosen
}

function chosenValue(id: string, setting: Setting, text: string): number | string {
  if ('choices' in setting) {
    if (setting.choices.includes(text)) return text
    throw new Error(`${setting.name} of ${id} is one of ${setting.choices.join(', ')}, and not '${text}'`)
  }
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= setting.least && value <= setting.most) return value
  throw new Error(`${setting.name} of ${id} is from ${setting.least} to ${setting.most}, and not '${text}'`)
}
