import { LiveBlock, type TextStream } from './terminal.ts'

/** How a command tells how it is getting on. */
export type Voice = 'live' | 'plain' | 'json' | 'quiet'

export function voiceFor(stream: TextStream, wishes: { json: boolean; quiet: boolean }): Voice {
  if (wishes.json) return 'json'
  if (wishes.quiet) return 'quiet'
  return stream.isTTY === true ? 'live' : 'plain'
}

/** What is said at a moment, for each voice; no plain line where there is nothing new. */
export interface Report {
  live(): readonly string[]
  plain(): string | undefined
  json(): object
}

const LIVE_MS = 200

/** Says at intervals how it goes: on a terminal in place, else line by line. Its timer keeps nothing alive. */
export class Progress {
  readonly voice: Voice
  readonly #stream: TextStream
  readonly #block: LiveBlock
  readonly #report: Report
  #timer: NodeJS.Timeout | undefined

  constructor(voice: Voice, stream: TextStream, everyMs: number, report: Report) {
    this.voice = voice
    this.#stream = stream
    this.#block = new LiveBlock(stream)
    this.#report = report
    if (voice === 'quiet') return
    this.#timer = setInterval(() => this.#tell(), voice === 'live' ? LIVE_MS : everyMs)
    this.#timer.unref()
  }

  /** A line that stays, above what is drawn in place. */
  note(line: string): void {
    if (this.voice === 'quiet' || this.voice === 'json') return
    this.#block.clear()
    this.#say(line)
  }

  /** Something that goes wrong: told in every voice. */
  alert(alert: { readonly message: string }): void {
    this.record({ kind: 'alert', alert })
    if (this.voice === 'json') return
    this.#block.clear()
    this.#say(`spillway: ${alert.message}`)
  }

  /** An NDJSON line, for who asked for such. */
  record(value: object): void {
    if (this.voice === 'json') this.#stream.write(`${JSON.stringify(value)}\n`)
  }

  /** Takes away what was drawn in place. */
  stop(): void {
    clearInterval(this.#timer)
    this.#block.clear()
  }

  #tell(): void {
    if (this.voice === 'live') this.#block.draw(this.#report.live())
    else if (this.voice === 'json') this.record(this.#report.json())
    else this.#say(this.#report.plain())
  }

  #say(line: string | undefined): void {
    if (line !== undefined) this.#stream.write(`${line}\n`)
  }
}
