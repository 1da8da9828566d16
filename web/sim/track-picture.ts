import type { Span, Track } from '../../src/sim/atlas/tracks.ts'
import type { ExhibitScenario } from '../../src/sim/exhibits/index.ts'
import type { MemoryView } from '../../src/sim/memory-view.ts'
import { element, setText } from '../common/elements.ts'
import { colourOf } from './colours.ts'
import { isPrintable, textIn } from './describe.ts'
import { mark, overlaps, type Touches } from './touches.ts'

const CELL = 8
const ROW = 8 * CELL
/** Of a longer ring a window is drawn, which goes along with what is in it. */
const MOST_CELLS = 192

interface DrawnCell {
  readonly cell: HTMLElement
  readonly text: HTMLElement
  readonly marks: HTMLElement
}

/** The bytes of one ring, eight to a cell, with what is in them. */
export class TrackPicture {
  readonly element = element('figure')
  readonly #caption = element('figcaption')
  readonly #cells: readonly DrawnCell[]
  readonly #eventIn: ExhibitScenario['eventIn']
  /** Of the window, from the start of the data. */
  #offset = 0

  constructor({ bytes, overhang }: Track, eventIn: ExhibitScenario['eventIn']) {
    this.#eventIn = eventIn
    const count = Math.min(Math.ceil((bytes + overhang) / CELL), MOST_CELLS)
    this.#cells = Array.from({ length: count }, () => {
      const cell = element('li', '', 'cell')
      const [marks, text] = [element('span', '', 'marks'), element('code')]
      cell.append(marks, text)
      return { cell, text, marks }
    })
    const strip = element('ol', '', 'strip')
    strip.append(...this.#cells.map(({ cell }) => cell))
    this.element.append(this.#caption, strip)
  }

  /** `owner`: the only thread that writes to it. */
  show(memory: MemoryView, track: Track, touches: Touches, owner: number | undefined): void {
    this.#follow(track)
    setText(this.#caption, this.#captionOf(track))
    const spans = new Map(
      track.spans.flatMap((span) => cellsOf(span).map((address) => [address, span] as const)),
    )
    for (const [i, drawn] of this.#cells.entries()) {
      const offset = this.#offset + i * CELL
      drawn.cell.hidden = offset >= track.bytes + track.overhang
      if (drawn.cell.hidden) continue
      drawn.cell.classList.toggle('overhang', offset >= track.bytes)
      this.#showCell(drawn, {
        memory,
        track,
        offset,
        touches,
        owner,
        span: spans.get(track.address + offset),
      })
    }
  }

  /** Where the tail, or the oldest that is there, has left the window, it moves. */
  #follow({ address, bytes, overhang, cursors }: Track): void {
    const shown = this.#cells.length * CELL
    if (bytes + overhang <= shown || cursors.length === 0) return
    const isIn = (at: number) => at >= this.#offset && at < this.#offset + shown
    const places = cursors.map((cursor) => cursor.address - address)
    if (places.every(isIn)) return
    // From the row of the first of them; or else to the tail, with what was written before it.
    this.#offset = Math.floor(Math.min(...places) / ROW) * ROW
    const tail = places[cursors.findIndex(({ label }) => label === 'tail')] ?? places[0]!
    if (!isIn(tail)) this.#offset = Math.max(0, Math.floor((tail - (shown * 3) / 4) / ROW) * ROW)
  }

  #captionOf({ title, bytes, overhang }: Track): string {
    const [first, shown] = [this.#offset, this.#cells.length * CELL]
    const whole = bytes + overhang
    const part = whole > shown ? `; here ${first} to ${Math.min(first + shown, whole) - 1}` : ''
    const end = overhang > 0 ? ', and the overhang for a record that begins near the end' : ''
    return `${title}: ${bytes} bytes${end}${part}`
  }

  #showCell({ cell, text, marks }: DrawnCell, shown: ShownCell): void {
    const { memory, track, offset, touches, owner, span } = shown
    const address = track.address + offset
    const place = { address, bytes: Math.min(CELL, track.bytes + track.overhang - offset) }
    const bytes = memory.bytes(address, place.bytes)
    setText(text, span === undefined ? plain(bytes) : contentOf(span, address, bytes))
    const here = track.cursors.filter((cursor) => overlaps({ address: cursor.address, bytes: 1 }, place))
    setText(marks, here.map(({ label }) => label).join(', '))
    const unpublished = touches.unpublished.find((written) => overlaps(written, place))
    const content = span === undefined ? [] : memory.bytes(span.address + span.headerBytes, span.bytes)
    const event = this.#eventIn?.(content)
    const isTorn =
      this.#eventIn !== undefined && span !== undefined && span.headerBytes > 0 && span.bytes > 0 && !event
    const state = span?.state ?? (unpublished === undefined ? 'free' : 'unpublished')
    cell.dataset.state = state
    cell.classList.toggle('torn', isTorn)
    const writer = span === undefined ? unpublished?.thread : (owner ?? event?.writer)
    cell.style.setProperty('--own', colourOf(writer))
    const title = titleOf(offset, span, state, isTorn)
    if (cell.title !== title) cell.title = title
    mark(cell, place, touches)
  }
}

interface ShownCell {
  readonly memory: MemoryView
  readonly track: Track
  readonly offset: number
  readonly touches: Touches
  readonly owner: number | undefined
  readonly span: Span | undefined
}

function cellsOf({ address, headerBytes, bytes }: Span): number[] {
  const first = Math.floor(address / CELL) * CELL
  const count = Math.ceil((address + headerBytes + bytes - first) / CELL)
  return Array.from({ length: Math.max(count, 1) }, (_, i) => first + i * CELL)
}

/** The header in words, the content as it is. */
function contentOf(
  { address: start, headerBytes, bytes, index }: Span,
  address: number,
  content: readonly number[],
): string {
  if (address >= start + headerBytes) return plain(content)
  if (address === start && index !== undefined) return `#${index}`
  return `${bytes} B`
}

/** Text as text, else two numbers. */
function plain(bytes: readonly number[]): string {
  if (bytes.every((byte) => byte === 0)) return ''
  const text = bytes.filter((byte) => byte !== 0)
  if (text.length > 2 && text.every(isPrintable)) return textIn(text)
  const view = new DataView(Uint8Array.from({ length: 8 }, (_, i) => bytes[i] ?? 0).buffer)
  return [0, 4].map((at) => numberText(view.getUint32(at, true))).join(' ')
}

function numberText(value: number): string {
  return value < 100_000 ? `${value}` : `${value.toString(16).slice(0, 4)}…`
}

function titleOf(offset: number, span: Span | undefined, state: string, isTorn: boolean): string {
  const what = span === undefined ? state : `${span.bytes} bytes, ${state}`
  return `+${offset}: ${what}${isTorn ? ', TORN: of no event, or of two' : ''}`
}
