import type { Atlas } from '../../src/sim/atlas/atlas.ts'
import type { StepEvent } from '../../src/sim/machine.ts'
import type { Session } from '../../src/sim/session.ts'
import { element } from '../common/elements.ts'
import { colourOf } from './colours.ts'
import { eventText, sourceOf } from './describe.ts'

const SHOWN = 200

/** The last steps, the newest first; each takes the session back to it. */
export class TraceView {
  readonly #list: HTMLElement
  /** Steps that are in the list. */
  #from = 0
  #to = 0
  #newest: StepEvent | undefined

  constructor(list: HTMLElement, goTo: (position: number) => void) {
    this.#list = list
    list.replaceChildren()
    list.onclick = ({ target }) => {
      const item = (target as HTMLElement).closest<HTMLElement>('[data-position]')
      if (item !== null) goTo(Number(item.dataset.position))
    }
  }

  show(session: Session, atlas: Atlas, alertAt: (position: number) => string | undefined): void {
    const { position, last } = session
    const isPast = this.#to > 0 && session.eventAt(this.#to - 1) === this.#newest
    const goesOn = isPast && position - this.#to < SHOWN
    if (!goesOn) {
      this.#list.replaceChildren()
      this.#from = this.#to = Math.max(0, position - SHOWN)
    }
    for (; this.#to < position; this.#to++)
      this.#list.prepend(itemOf(session.eventAt(this.#to)!, atlas, alertAt(this.#to + 1)))
    for (; this.#to - this.#from > SHOWN; this.#from++) this.#list.lastElementChild?.remove()
    this.#newest = last
  }
}

function itemOf(event: StepEvent, atlas: Atlas, alert: string | undefined): HTMLElement {
  const item = element('li')
  const button = element('button') as HTMLButtonElement
  button.type = 'button'
  // By keyboard one goes there with the arrows: two hundred stops more would be in the way.
  button.tabIndex = -1
  button.dataset.position = String(event.index + 1)
  button.style.setProperty('--own', colourOf(event.thread))
  button.append(element('b', event.name), ` ${eventText(event, atlas)}`)
  if (event.site !== undefined) {
    const { func, file } = sourceOf(event.site.func)
    button.append(element('small', file === '' ? '' : ` ${func}`))
  }
  item.append(button)
  if (alert !== undefined) item.append(element('em', alert))
  return item
}
