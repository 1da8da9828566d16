import type { Sample } from './family.ts'
import { type Reading, readAll } from './reading.ts'
import { checkSources, checkThings, type ReadOptions, type Things } from './things.ts'

/** Of the answer that carries the text. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** All figures of the things, as of now, as the text that Prometheus reads (0.0.4). */
export function prometheusText(things: Things, options: ReadOptions = {}): string {
  return readAll(checkThings(things), checkSources(options.sources)).map(block).join('')
}

function block({ metric: { name, help, type }, samples }: Reading): string {
  const lines = samples.map((sample) => line(name, sample)).join('')
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines}`
}

function line(name: string, { labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeValue(text)}"`)
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}
