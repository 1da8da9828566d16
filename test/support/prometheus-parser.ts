// The text exposition format 0.0.4, read strictly, from its description: what Prometheus would refuse is an error here.

export interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly type: string
  readonly help: string
  readonly series: Series[]
}

export function parsePrometheus(text: string): Map<string, Family> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no newline')
  const families = new Map<string, Family>()
  const help = new Map<string, string>()
  let open: string | undefined
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    if (kind === 'HELP') {
      if (help.has(name)) throw new Error(`a second HELP of ${name}`)
      help.set(name, unescaped(rest, /\\[\\n]/g))
    } else if (kind === 'TYPE') {
      if (families.has(name)) throw new Error(`a second TYPE of ${name}`)
      if (!/^(counter|gauge)$/.test(rest)) throw new Error(`${name} is no ${rest}`)
      families.set(name, { type: rest, help: help.get(name) ?? '', series: [] })
      open = name
    } else {
      const series = parseSample(line)
      if (series.name !== open) throw new Error(`not in its family: ${line}`)
      const { labels, value } = series
      const all = families.get(open)!.series
      if (all.some((other) => keyOf(other.labels) === keyOf(labels))) throw new Error(`twice: ${line}`)
      all.push({ labels, value })
    }
  }
  return families
}

/** The value of the one series with these labels. */
export function metricValue(
  families: Map<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const series = families.get(name)?.series.find((each) => keyOf(each.labels) === keyOf(labels))
  if (series === undefined) throw new Error(`there is no ${name} ${JSON.stringify(labels)}`)
  return series.value
}

function parseSample(line: string): Series & { name: string } {
  const [, name, , pairs = '', digits] =
    /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/.exec(
      line,
    ) ?? []
  if (name === undefined) throw new Error(`not a sample: ${JSON.stringify(line)}`)
  const value = Number(digits)
  if (!Number.isFinite(value)) throw new Error(`no number: ${line}`)
  const labels: Record<string, string> = {}
  for (const [, label, text] of pairs.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    if (label! in labels) throw new Error(`a label twice: ${line}`)
    labels[label!] = unescaped(text!, /\\[\\"n]/g)
  }
  return { name, labels, value }
}

function unescaped(text: string, escapes: RegExp): string {
  return text.replace(escapes, (pair) => (pair === '\\n' ? '\n' : pair[1]!))
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort())
}
