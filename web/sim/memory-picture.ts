import type { Atlas, Block, Field, Structure } from '../../src/sim/atlas/atlas.ts'
import type { Span, Track } from '../../src/sim/atlas/tracks.ts'
import type { ExhibitScenario } from '../../src/sim/exhibits/index.ts'
import type { Session } from '../../src/sim/session.ts'
import { element, setText } from '../common/elements.ts'
import { colourOf } from './colours.ts'
import { isPrintable, textIn } from './describe.ts'

const CELL = 8
/** Of a long ring only so much is drawn. */
const MOST_CELLS = 512

interface Bytes {
  readonly address: number
  readonly bytes: number
}

/** Who is about to touch what, and what the last step has touched. */
interface Touches {
  readonly pending: readonly (Bytes & { readonly thread: number })[]
  readonly last: Bytes | undefined
  /** Written by the call that a thread is in: not published yet. */
  readonly unpublished: readonly (Bytes & { readonly thread: number })[]
}

/** The objects of the region as the docs draw them: fields by cache line, and the bytes of rings with what is in them. */
export class MemoryPicture {
  readonly #place: HTMLElement
  readonly #scenario: ExhibitScenario
  #drawn = ''
  readonly #fields = new Map<number, { readonly value: HTMLElement; readonly item: HTMLElement }>()
  readonly #cells = new Map<
    number,
    { readonly cell: HTMLElement; readonly text: HTMLElement; readonly marks: HTMLElement }
  >()

  constructor(place: HTMLElement, scenario: ExhibitScenario) {
    this.#place = place
    this.#scenario = scenario
  }

  show(session: Session, atlas: Atlas): void {
    const shape = JSON.stringify(
      atlas.structures.map(({ address, title, blocks, tracks }) => [
        address,
        title,
        blocks.length,
        tracks.map((track) => track.address),
      ]),
    )
    if (shape !== this.#drawn) this.#draw(atlas)
    this.#drawn = shape
    const touches = touchesOf(session)
    for (const structure of atlas.structures) {
      for (const field of structure.blocks.flatMap(({ fields }) => fields)) this.#showField(field, touches)
      for (const track of structure.tracks) this.#showTrack(session, structure, track, touches)
    }
    for (const field of atlas.table) this.#showField(field, touches)
  }

  #draw({ structures, table }: Atlas): void {
    this.#fields.clear()
    this.#cells.clear()
    const cards = structures.map((structure) => this.#structure(structure))
    if (table.length > 0) cards.push(this.#tables(table))
    this.#place.replaceChildren(...cards)
  }

  #structure({ title, address, blocks, tracks }: Structure): HTMLElement {
    const card = element('article', '', 'card structure')
    const heading = element('h2', title)
    heading.append(' ', element('small', `at ${address}`))
    card.append(heading)
    for (const track of tracks) card.append(this.#track(track))
    const lines = element('div', '', 'lines')
    for (const block of blocks) lines.append(this.#block(block))
    card.append(lines)
    return card
  }

  #tables(fields: readonly Field[]): HTMLElement {
    const card = element('details', '', 'card structure')
    card.append(
      element('summary', 'The region’s table of threads'),
      this.#block({ title: 'who has joined', fields }),
    )
    return card
  }

  #block({ title, fields }: Block): HTMLElement {
    const line = element('div', '', 'line')
    line.append(element('h3', title))
    const list = element('dl')
    for (const { label, address } of fields) {
      const item = element('div')
      const value = element('dd')
      item.append(element('dt', label), value)
      list.append(item)
      this.#fields.set(address, { value, item })
    }
    line.append(list)
    return line
  }

  #track({ title, address, bytes, overhang }: Track): HTMLElement {
    const figure = element('figure')
    const whole = bytes + overhang
    const count = Math.min(Math.ceil(whole / CELL), MOST_CELLS)
    const more = count * CELL < whole ? `, the first ${count * CELL} of them` : ''
    figure.append(
      element('figcaption', `${title}: ${bytes} bytes${overhang > 0 ? ' and the overhang' : ''}${more}`),
    )
    const strip = element('ol', '', 'strip')
    for (let i = 0; i < count; i++) {
      const cell = element('li', '', i * CELL < bytes ? 'cell' : 'cell overhang')
      const [marks, text] = [element('span', '', 'marks'), element('code')]
      cell.append(marks, text)
      strip.append(cell)
      this.#cells.set(address + i * CELL, { cell, text, marks })
    }
    figure.append(strip)
    return figure
  }

  #showField({ address, bytes, text }: Field, touches: Touches): void {
    const drawn = this.#fields.get(address)
    if (drawn === undefined) return
    setText(drawn.value, text)
    mark(drawn.item, { address, bytes }, touches)
  }

  #showTrack({ machine }: Session, { writerKey }: Structure, track: Track, touches: Touches): void {
    const owner = writerKey === undefined ? undefined : writerKey - (this.#scenario.firstKey ?? 1)
    const spans = new Map(
      track.spans.flatMap((span) => cellsOf(span).map((address) => [address, span] as const)),
    )
    const end = track.address + track.bytes + track.overhang
    for (let address = track.address; address < end; address += CELL) {
      const drawn = this.#cells.get(address)
      if (drawn === undefined) return
      const { cell, text, marks } = drawn
      const span = spans.get(address)
      const bytes = machine.memory.bytes(address, Math.min(CELL, end - address))
      setText(text, span === undefined ? plain(bytes) : contentOf(span, address, bytes))
      setText(
        marks,
        track.cursors
          .filter((cursor) => cursor.address === address)
          .map(({ label }) => label)
          .join(' '),
      )
      const unpublished = touches.unpublished.find((written) => overlaps(written, { address, bytes: CELL }))
      const content =
        span === undefined ? [] : machine.memory.bytes(span.address + span.headerBytes, span.bytes)
      const isTorn = span !== undefined && this.#isTorn(content, span)
      const state = span?.state ?? (unpublished === undefined ? 'free' : 'unpublished')
      cell.dataset.state = state
      cell.classList.toggle('torn', isTorn)
      const writer =
        span === undefined ? unpublished?.thread : (owner ?? this.#scenario.eventIn?.(content)?.writer)
      cell.style.setProperty('--own', colourOf(writer))
      cell.title = titleOf(address - track.address, span, state, isTorn)
      mark(cell, { address, bytes: CELL }, touches)
    }
  }

  #isTorn(content: readonly number[], span: Span): boolean {
    const { eventIn } = this.#scenario
    return (
      eventIn !== undefined && span.headerBytes > 0 && content.length > 0 && eventIn(content) === undefined
    )
  }
}

function touchesOf(session: Session): Touches {
  const { machine, last } = session
  const threads = Array.from({ length: machine.threadCount }, (_, thread) => thread)
  const pending = threads.flatMap((thread) => {
    const access = machine.isBlocked(thread) ? undefined : machine.pending(thread)
    return access === undefined ? [] : [{ thread, address: access.address, bytes: access.bytes }]
  })
  const touched =
    last?.address === undefined ? undefined : { address: last.address, bytes: last.site?.bytes ?? 4 }
  return { pending, last: touched, unpublished: threads.flatMap((thread) => writtenInCall(session, thread)) }
}

/** A call is seldom longer. */
const LOOK_BACK = 400

/** What the thread has written since its last call ended. */
function writtenInCall({ machine, events }: Session, thread: number): (Bytes & { thread: number })[] {
  const { status } = machine.view.threads[thread]!
  if (status === 'finished' || status === 'blocked') return []
  const written: (Bytes & { thread: number })[] = []
  for (let i = events.length - 1; i >= 0 && i > events.length - LOOK_BACK; i--) {
    const { thread: whose, result, site, address, op } = events[i]!
    if (whose !== thread) continue
    const isCall = op !== undefined && 'call' in op
    if (result !== undefined && isCall) break
    if (address !== undefined && site !== undefined && /store|write|rmw/.test(site.kind))
      written.push({ thread, address, bytes: site.bytes })
  }
  return written
}

function mark(item: HTMLElement, place: Bytes, { pending, last }: Touches): void {
  item.classList.toggle('touched', last !== undefined && overlaps(last, place))
  const next = pending.find((access) => overlaps(access, place))
  item.classList.toggle('pending', next !== undefined)
  item.style.setProperty('--next', colourOf(next?.thread))
}

function overlaps(a: Bytes, b: Bytes): boolean {
  return a.address < b.address + b.bytes && b.address < a.address + a.bytes
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
