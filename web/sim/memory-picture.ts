import type { Atlas, Block, Field, Structure } from '../../src/sim/atlas/atlas.ts'
import type { ExhibitScenario } from '../../src/sim/exhibits/index.ts'
import type { Session } from '../../src/sim/session.ts'
import { element, setText } from '../common/elements.ts'
import { mark, type Touches, touchesOf } from './touches.ts'
import { TrackPicture } from './track-picture.ts'

/** The objects of the region as the docs draw them: fields by cache line, and the bytes of rings with what is in them. */
export class MemoryPicture {
  readonly #place: HTMLElement
  readonly #scenario: ExhibitScenario
  #drawn = ''
  readonly #fields = new Map<number, { readonly value: HTMLElement; readonly item: HTMLElement }>()
  /** By the address of their data. */
  readonly #tracks = new Map<number, TrackPicture>()

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
        tracks.map((track) => [track.address, track.bytes]),
      ]),
    )
    if (shape !== this.#drawn) this.#draw(atlas)
    this.#drawn = shape
    const touches = touchesOf(session)
    for (const structure of atlas.structures) {
      for (const field of structure.blocks.flatMap(({ fields }) => fields)) this.#showField(field, touches)
      for (const track of structure.tracks)
        this.#tracks
          .get(track.address)
          ?.show(session.machine.memory, track, touches, this.#ownerOf(structure))
    }
    for (const field of atlas.table) this.#showField(field, touches)
  }

  #draw({ structures, table }: Atlas): void {
    this.#fields.clear()
    this.#tracks.clear()
    const cards = structures.map((structure) => this.#structure(structure))
    if (table.length > 0) cards.push(this.#tables(table))
    const hasTracks = structures.some(({ tracks }) => tracks.length > 0)
    this.#place.replaceChildren(legend(hasTracks), ...cards)
  }

  #structure({ title, address, blocks, tracks }: Structure): HTMLElement {
    const card = element('article', '', 'card structure')
    const heading = element('h2', title)
    heading.append(' ', element('small', `at ${address}`))
    card.append(heading)
    for (const track of tracks) {
      const picture = new TrackPicture(track, this.#scenario.eventIn)
      this.#tracks.set(track.address, picture)
      card.append(picture.element)
    }
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
    for (const { label, address, about } of fields) {
      const item = element('div')
      const value = element('dd')
      item.append(termOf(label, about), value)
      list.append(item)
      this.#fields.set(address, { value, item })
    }
    line.append(list)
    return line
  }

  /** The thread whose lane it is. */
  #ownerOf({ writerKey }: Structure): number | undefined {
    return writerKey === undefined ? undefined : writerKey - (this.#scenario.firstKey ?? 1)
  }

  #showField({ address, bytes, text }: Field, touches: Touches): void {
    const drawn = this.#fields.get(address)
    if (drawn === undefined) return
    setText(drawn.value, text)
    mark(drawn.item, { address, bytes }, touches)
  }
}

/** A title is seen, but not read out: so it is there twice. */
function termOf(label: string, about: string): HTMLElement {
  const term = element('dt', label)
  term.title = about
  term.append(element('span', `: ${about}`, 'unseen'))
  return term
}

/** How a cell looks, and what that means. */
const CELLS: readonly (readonly [state: string, meaning: string])[] = [
  ['waiting', 'waits to be read'],
  ['in hand', 'in hand: taken, and still read'],
  ['done', 'given back'],
  ['unpublished', 'written, not published yet'],
  ['torn', 'torn: of two records, or of none'],
]

function legend(hasTracks: boolean): HTMLElement {
  const list = element('ul', '', 'key')
  const add = (sample: HTMLElement, meaning: string): void => {
    const item = element('li')
    sample.setAttribute('aria-hidden', 'true')
    item.append(sample, ` ${meaning}`)
    list.append(item)
  }
  for (const [state, meaning] of hasTracks ? CELLS : []) {
    const sample = element('span', '', state === 'torn' ? 'cell torn' : 'cell')
    sample.dataset.state = state
    add(sample, meaning)
  }
  add(element('span', '', 'cell pending'), 'about to be touched, by the thread of that colour')
  add(element('span', '', 'cell touched'), 'touched last')
  return list
}
