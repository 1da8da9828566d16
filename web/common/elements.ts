/** An element with text: text is never markup, whatever it is. */
export function element(tag: string, text = '', className = ''): HTMLElement {
  const made = document.createElement(tag)
  made.textContent = text
  if (className !== '') made.className = className
  return made
}

/** An element with attributes and what is in it. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...children)
  return made
}

export interface Cell {
  readonly text: string
  readonly isLoss?: boolean
}

/** Fills the body of a table, and touches only what has changed: a selection, or a reader's place, stays where it is. */
export function fillTable(body: HTMLTableSectionElement, rows: readonly (readonly Cell[])[]): void {
  while (body.rows.length > rows.length) body.deleteRow(-1)
  for (const [i, cells] of rows.entries()) {
    const row = body.rows[i] ?? body.insertRow()
    for (const [j, { text, isLoss = false }] of cells.entries()) {
      const cell = row.cells[j] ?? row.appendChild(cellFor(j))
      setText(cell, text)
      cell.classList.toggle('lossy', isLoss)
    }
  }
}

/** The first names the row. */
function cellFor(column: number): HTMLTableCellElement {
  const cell = document.createElement(column === 0 ? 'th' : 'td')
  if (column === 0) cell.scope = 'row'
  return cell
}

export function setText(place: Element, text: string): void {
  if (place.textContent !== text) place.textContent = text
}

/** The children of a list, made once, in the order of their keys. */
export class Keyed {
  readonly #list: HTMLElement
  readonly #made = new Map<string, Map<string, HTMLElement>>()
  readonly #make: () => { item: HTMLElement; parts: Map<string, HTMLElement> }

  constructor(list: HTMLElement, make: () => { item: HTMLElement; parts: Map<string, HTMLElement> }) {
    this.#list = list
    this.#make = make
  }

  /** The parts of an item; it is added behind the others when it is new. */
  item(key: string): Map<string, HTMLElement> {
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const { item, parts } = this.#make()
    item.dataset.key = key
    parts.set('item', item)
    this.#list.append(item)
    this.#made.set(key, parts)
    return parts
  }
}
