import uPlot from 'uplot'
import { brief, clock } from './words.ts'

/** Samples that are shown: five minutes, one a second. */
const SHOWN = 300
const HEIGHT = 180

export interface Line {
  readonly label: string
  /** A custom property of the style. */
  readonly colour: string
}

/** A plot over time, as wide as its place, in the colours of the scheme. */
export class Plot {
  readonly #place: HTMLElement
  readonly #summary: HTMLElement
  readonly #lines: readonly Line[]
  readonly #data: number[][]
  #plot: uPlot | undefined

  constructor(id: string, lines: readonly Line[]) {
    this.#place = document.getElementById(id)!
    this.#summary = document.getElementById(`${id}-summary`)!
    this.#lines = lines
    this.#data = [[], ...lines.map(() => [])]
    this.#draw()
    new ResizeObserver(() => this.#fit()).observe(this.#place)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw())
  }

  add(timeMs: number, values: readonly number[]): void {
    for (const [i, column] of this.#data.entries()) {
      column.push(i === 0 ? timeMs / 1000 : values[i - 1]!)
      if (column.length > SHOWN) column.shift()
    }
    this.#plot!.setData(this.#data as uPlot.AlignedData)
    this.#summary.textContent = this.#lines.map(({ label }, i) => `${label} ${brief(values[i]!)}`).join(', ')
  }

  #fit(): void {
    const { clientWidth: width } = this.#place
    if (width > 0 && width !== this.#plot!.width) this.#plot!.setSize({ width, height: HEIGHT })
  }

  #draw(): void {
    this.#plot?.destroy()
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
      value: (_: uPlot, value: number | null) => (value === null ? '–' : brief(value)),
    }))
    this.#plot = new uPlot(
      {
        width: Math.max(1, this.#place.clientWidth),
        height: HEIGHT,
        series: [{ value: (_, at) => (at === null ? '–' : clock(at)) }, ...series],
        axes: [
          { ...axis, space: 80, values: (_, ticks) => ticks.map(clock) },
          { ...axis, size: 56, values: (_, ticks) => ticks.map(brief) },
        ],
        scales: { y: { range: (_, __, most) => [0, Math.max(1, (most ?? 0) * 1.1)] } },
        cursor: { drag: { x: false, y: false } },
      },
      this.#data as uPlot.AlignedData,
      this.#place,
    )
  }
}
