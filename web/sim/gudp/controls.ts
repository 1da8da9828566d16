import {
  type BothWays,
  channelKinds,
  type Knob,
  knobNames,
  knobs,
  type PairRun,
  type Setting,
} from '../../../src/sim/gudp/index.ts'
import { make, setText } from '../../common/elements.ts'

/** As far as a slider goes; an address may ask for more. */
const sliderMost: Record<Knob, number> = {
  loss: 60,
  latency: 500,
  jitter: 500,
  duplicate: 60,
  rate: 500,
  queue: 256,
}

const knobTitles: Record<Knob, string> = {
  loss: 'Loss',
  latency: 'Latency',
  jitter: 'Jitter',
  duplicate: 'Doubled',
  rate: 'Bottleneck',
  queue: 'Queue before it',
}

const strategyTitles: Record<Setting['congestion'], string> = {
  'good-bad': 'good-bad: two rates, by the round trip',
  paced: 'paced: by what arrives',
  none: 'none: as acknowledgements come',
}

/** Traffic that is worth a look. */
const presets: Record<string, Pick<Setting, 'messages' | 'bytes'>> = {
  'a game': { messages: 20, bytes: 100 },
  'a trickle': { messages: 2, bytes: 50 },
  'a busy service': { messages: 200, bytes: 300 },
  bulk: { messages: 400, bytes: 1100 },
  'long messages': { messages: 10, bytes: 6000 },
}

const channelSets = [
  'reliable,reliable,unreliable',
  'reliable',
  'unreliable',
  'packets',
  'packets,reliable,unreliable',
  'reliable,reliable,reliable,reliable',
]

type Way = 'both' | 'there' | 'back'

export interface Wishes {
  /** A knob of the links, which may be turned while it runs. */
  turn(knob: Knob, to: BothWays): void
  /** Anything else: another run. */
  choose(part: Partial<Setting>): void
}

/** What can be set of a run. It shows what it is told by `show`, and tells what is wished for. */
export class Controls {
  readonly element: HTMLElement
  readonly #wishes: Wishes
  readonly #knobs = new Map<Knob, { input: HTMLInputElement; output: HTMLOutputElement }>()
  readonly #way = selectOf<Way>({ both: 'both ways', there: 'left to right', back: 'right to left' })
  readonly #seed = make('input', { type: 'number', min: '0', max: '4294967295', step: '1', required: '' })
  readonly #isPlan = make('input', { type: 'checkbox' })
  readonly #congestion = selectOf(strategyTitles)
  readonly #preset = make('select')
  readonly #messages = make('input', { type: 'number', min: '0', max: '2000', step: 'any', required: '' })
  readonly #bytes = make('input', { type: 'number', min: '8', max: '8000', step: '1', required: '' })
  readonly #channels = make('select')
  readonly #from = selectOf<Setting['from']>({ left: 'the left side', both: 'both sides' })
  readonly #traffic: HTMLFieldSetElement
  #values: Readonly<Record<Knob, BothWays>> | undefined

  constructor(wishes: Wishes) {
    this.#wishes = wishes
    const links = fieldset(
      'Link',
      field('These are for', this.#way),
      ...knobNames.map((knob) => this.#slider(knob)),
    )
    this.#traffic = fieldset(
      'Traffic',
      field('Congestion control', this.#congestion),
      field('Like', this.#preset),
      field('Messages a second, of each channel', this.#messages),
      field('Bytes of each', this.#bytes),
      field('Channels', this.#channels),
      field('Sent by', this.#from),
    )
    const seed = fieldset(
      'Seed',
      field('Seed', this.#seed),
      check('exactly what the tests do with it', this.#isPlan),
    )
    this.element = make('form', { class: 'gudp-controls' }, links, this.#traffic, seed)
    this.element.addEventListener('submit', (event) => event.preventDefault())
    for (const name of Object.keys(presets)) this.#preset.append(make('option', {}, name))
    this.#preset.append(make('option', { value: '' }, 'as it is set'))
    this.#listen()
  }

  show(run: PairRun): void {
    const { setting } = run
    this.#values = Object.fromEntries(knobNames.map((knob) => [knob, run.knob(knob)])) as Record<
      Knob,
      BothWays
    >
    this.#showKnobs()
    const isPlan = setting.plan !== undefined
    this.#traffic.disabled = isPlan
    this.#isPlan.checked = isPlan
    this.#seed.value = String(setting.plan ?? setting.seed)
    this.#congestion.value = run.congestion
    this.#messages.value = String(setting.messages)
    this.#bytes.value = String(setting.bytes)
    this.#from.value = setting.from
    const preset = Object.entries(presets).find(
      ([, { messages, bytes }]) => messages === setting.messages && bytes === setting.bytes,
    )
    this.#preset.value = preset?.[0] ?? ''
    const channels = setting.channels.join(',')
    const sets = channelSets.includes(channels) ? channelSets : [...channelSets, channels]
    this.#channels.replaceChildren(
      ...sets.map((set) => make('option', { value: set }, set.replaceAll(',', ', '))),
    )
    this.#channels.value = channels
  }

  #showKnobs(): void {
    for (const [knob, { input, output }] of this.#knobs) {
      const values = this.#values![knob]
      const value = values[this.#way.value === 'back' ? 1 : 0]
      input.max = String(Math.max(sliderMost[knob], value))
      input.value = String(value)
      this.#tell(knob, input, output, values)
    }
  }

  #tell(knob: Knob, input: HTMLInputElement, output: HTMLOutputElement, [there, back]: BothWays): void {
    const text =
      there === back ? textOf(knob, there) : `${textOf(knob, there)} there, ${textOf(knob, back)} back`
    setText(output, text)
    input.setAttribute('aria-valuetext', text)
  }

  /** It tells its value as it moves, and is turned when it is let go. */
  #slider(knob: Knob): HTMLElement {
    const id = `gudp-${knob}`
    const input = make('input', { id, type: 'range', min: '0', step: '1', max: String(sliderMost[knob]) })
    const output = make('output', { for: id })
    this.#knobs.set(knob, { input, output })
    const wished = (): BothWays => {
      const value = Number(input.value)
      const [there, back] = this.#values![knob]
      if (this.#way.value === 'both') return [value, value]
      return this.#way.value === 'there' ? [value, back] : [there, value]
    }
    input.addEventListener('input', () => this.#tell(knob, input, output, wished()))
    input.addEventListener('change', () => this.#wishes.turn(knob, wished()))
    // Side by side: within the label, the output would be what is labelled.
    const label = make('label', { for: id }, knobTitles[knob])
    return make('div', { class: 'gudp-field gudp-slider' }, label, output, input)
  }

  #listen(): void {
    const { choose } = this.#wishes
    this.#way.addEventListener('change', () => this.#showKnobs())
    const chooseSeed = () => {
      if (!this.#seed.reportValidity()) return
      const seed = Number(this.#seed.value)
      choose(this.#isPlan.checked ? { plan: seed } : { plan: undefined, seed })
    }
    this.#seed.addEventListener('change', chooseSeed)
    this.#isPlan.addEventListener('change', chooseSeed)
    this.#congestion.addEventListener('change', () =>
      choose({ congestion: this.#congestion.value as Setting['congestion'] }),
    )
    this.#from.addEventListener('change', () => choose({ from: this.#from.value as Setting['from'] }))
    this.#preset.addEventListener('change', () => choose(presets[this.#preset.value] ?? {}))
    for (const [name, input] of [
      ['messages', this.#messages],
      ['bytes', this.#bytes],
    ] as const)
      input.addEventListener('change', () => {
        if (input.reportValidity()) choose({ [name]: Number(input.value) })
      })
    this.#channels.addEventListener('change', () => {
      const names = this.#channels.value.split(',')
      choose({ channels: names.flatMap((name) => channelKinds.filter((kind) => kind === name)) })
    })
  }
}

function textOf(knob: Knob, value: number): string {
  if (knob === 'rate' && value === 0) return 'none'
  return `${Number(value.toFixed(2))} ${knobs[knob].unit}`
}

function selectOf<Value extends string>(options: Readonly<Record<Value, string>>): HTMLSelectElement {
  const made = Object.entries<string>(options).map(([value, text]) => make('option', { value }, text))
  return make('select', {}, ...made)
}

function field(title: string, control: HTMLElement): HTMLElement {
  return make('label', { class: 'gudp-field' }, make('span', {}, title), control)
}

function check(title: string, box: HTMLInputElement): HTMLElement {
  return make('label', { class: 'gudp-check' }, box, title)
}

function fieldset(title: string, ...fields: HTMLElement[]): HTMLFieldSetElement {
  return make('fieldset', {}, make('legend', {}, title), ...fields)
}
