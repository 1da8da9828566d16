import './language.ts'
import uPlot from 'uplot'
import { brief } from './words.ts'

const HEIGHT = 180

export interface Line {
  readonly label: string
  /** A custom property of the style. */
  readonly colour: string
}

export interface PlotOptions {
  /** So many samples, the latest. */
  readonly shown: number
  /** A time, from seconds. */
  readonly timeText: (seconds: number) => string
  /** The seconds are no time of day: ticks stand at round numbers of them. */
  readonly isDuration?: boolean
  readonly height?: number
}

/** A plot over time, as wide as its place, in the colours of the scheme. The summary is its text for those who do not see it. */
export class Plot {
  readonly #place: HTMLElement
  readonly #summary: HTMLElement
  readonly #lines: readonly Line[]
  readonly #options: PlotOptions
  readonly #data: (number | null)[][]
  readonly #scheme = matchMedia('(prefers-color-scheme: dark)')
  readonly #size = new ResizeObserver(() => this.#fit())
  readonly #redraw = () => this.#draw()
  #plot: uPlot | undefined

  constructor(place: HTMLElement, summary: HTMLElement, lines: readonly Line[], options: PlotOptions) {
    this.#place = place
    this.#summary = summary
    this.#lines = lines
    this.#options = options
    this.#data = [[], ...lines.map(() => [])]
    this.#draw()
    this.#size.observe(place)
    this.#scheme.addEventListener('change', this.#redraw)
  }

  add(timeMs: number, values: readonly (number | null)[]): void {
    this.note(timeMs, values)
    this.show()
  }

  /** Is seen with the next `show`: drawing costs more than noting. `null`: there is no value now. */
  note(timeMs: number, values: readonly (number | null)[]): void {
    for (const [i, column] of this.#data.entries()) {
      column.push(i === 0 ? timeMs / 1000 : values[i - 1]!)
      if (column.length > this.#options.shown) column.shift()
    }
  }

  show(): void {
    this.#plot!.setData(this.#data as uPlot.AlignedData)
    const latest = (i: number) => this.#data[i + 1]!.at(-1) ?? null
    this.#summary.textContent = this.#lines.map(({ label }, i) => `${label} ${textOf(latest(i))}`).join(', ')
  }

  clear(): void {
    for (const column of this.#data) column.length = 0
    this.show()
  }

  leave(): void {
    this.#size.disconnect()
    this.#scheme.removeEventListener('change', this.#redraw)
    this.#plot?.destroy()
  }

  #fit(): void {
    const { clientWidth: width } = this.#place
    if (width > 0 && width !== this.#plot!.width)
      this.#plot!.setSize({ width, height: this.#options.height ?? HEIGHT })
  }

  #draw(): void {
    this.#plot?.destroy()
    const { timeText, isDuration = false, height = HEIGHT } = this.#options
    const style = getComputedStyle(document.documentElement)
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim()
    const axis = {
      stroke: colour('dim'),
      grid: { stroke: colour('line'), width: 1 },
      ticks: { stroke: colour('line') },
    }
    const series = this.#lines.map(({ label, colour: name }) => ({
      label,
      stroke: colour(name),
      width: 2,
      points: { show: false },
      value: (_: uPlot, value: number | null) => textOf(value),
    }))
    this.#plot = new uPlot(
      {
        width: Math.max(1, this.#place.clientWidth),
        height,
        series: [{ label: 'time', value: (_, at) => (at === null ? '–' : timeText(at)) }, ...series],
        axes: [
          { ...axis, space: 80, values: (_, ticks) => ticks.map(timeText) },
          { ...axis, size: 56, values: (_, ticks) => ticks.map(brief) },
        ],
        scales: {
          x: { time: !isDuration },
          y: { range: (_, __, most) => [0, Math.max(1, (most ?? 0) * 1.1)] },
        },
        cursor: { drag: { x: false, y: false } },
      },
      this.#data as uPlot.AlignedData,
      this.#place,
    )
  }
}

function textOf(value: number | null): string {
  return value === null ? '–' : brief(value)
}
