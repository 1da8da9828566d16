// A worker that writes, as the page sees it: its row of the table.
import type { DiodeHandle } from 'spillway'
import { byId, showFigures } from '../shared/figures.ts'
import type { JobEvent } from './job-worker.ts'

export class Writer {
  read = 0
  /** Numbers that were skipped: every event that was lost leaves a gap, since of what is written last nothing is lost. */
  missed = 0
  isAtWork = true
  #micros = 0
  #next = 0
  /** What it says itself that it has written; one that was terminated says nothing. */
  #offered: number | undefined
  readonly #worker: Worker
  readonly #row: HTMLElement

  constructor(handle: DiodeHandle, writer: number, items: number) {
    this.#row = addRow(`${items.toLocaleString('en')} numbers`)
    this.#row.querySelector('button')!.onclick = () => this.terminate()
    this.#worker = new Worker(new URL('./job-worker.ts', import.meta.url), { type: 'module' })
    this.#worker.onmessage = ({ data }) => this.#end('has stopped', data.offered)
    this.#worker.onerror = () => this.#end('has failed') // its script was served without the headers, say
    this.#worker.postMessage({ handle, writer, items })
  }

  took({ sequence, micros }: JobEvent): void {
    this.read++
    this.missed += sequence - this.#next
    this.#next = sequence + 1
    this.#micros = micros
  }

  stop(): void {
    if (this.isAtWork) this.#worker.postMessage('stop')
  }

  /** Wherever it is: it may be in the middle of an event, which then was never written. */
  terminate(): void {
    this.#worker.terminate()
    this.#end('terminated')
  }

  get isAccountedFor(): boolean {
    return this.#offered === undefined || this.#offered === this.#next
  }

  show(): void {
    showFigures(this.#row, { read: this.read, missed: this.missed, micros: this.#micros })
  }

  #end(how: string, offered?: number): void {
    this.isAtWork = false
    this.#offered = offered
    this.#row.querySelector('.state')!.textContent = how
    this.#row.querySelector('button')!.disabled = true
  }
}

function addRow(name: string): HTMLElement {
  const template = byId('writer') as HTMLTemplateElement
  const row = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement
  row.querySelector('th')!.textContent = name
  row.querySelector('button')!.ariaLabel = `Terminate the worker that sorts ${name}`
  byId('writers').append(row)
  return row
}
