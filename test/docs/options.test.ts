// The tables of options have every option of the types, and none that is not there.
import { expect, it } from 'vitest'
import { pageOf } from '../support/docs-example.ts'

/** The names of an interface's properties; `file#Interface`. */
function optionsOf(place: string): string[] {
  const [file, name] = place.split('#')
  const [, body] = new RegExp(`export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(pageOf(file!))!
  return [...body!.matchAll(/^ {2}(?:readonly )?(\w+)(?:\??:|\()/gm)].map(([, option]) => option!)
}

/** What stands in backticks in the first cells of the first table behind a text. */
function tableOf(page: string, text: string): string[] {
  const behind = pageOf(page).split(text).slice(1).join(text)
  const [table] = /^\|.*\n\|[-| ]+\n(?:\|.*\n)+/m.exec(behind)!
  const cells = table
    .split('\n')
    .slice(2)
    .map((row) => row.split('|')[1] ?? '')
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, option]) => option!))
}

it.each([
  ['docs/exporter.md', '## Options', ['src/node/udp-options.ts#UdpExporterOptions']],
  [
    'docs/exporter.md',
    'each message what would have been a datagram',
    ['src/net/gudp/transport-options.ts#ExporterGudpOptions'],
  ],
  [
    'docs/collector.md',
    '## Options',
    ['src/net/collector-options.ts#CollectorOptions', 'src/node/collector.ts#CollectorOptions'],
  ],
  [
    'docs/collector.md',
    'takes lines from [exporters',
    ['src/net/gudp/transport-options.ts#CollectorGudpOptions'],
  ],
  ['docs/collector.md', '**`fileSink(path, options)`**', ['src/node/sinks/file.ts#FileSinkOptions']],
  ['docs/nats.md', '## Options', ['src/integrations/nats.ts#JetStreamSinkOptions']],
  ['docs/sockets.md', '`SocketServer.start(options)`', ['src/node/sockets.ts#SocketServerOptions']],
  ['docs/gudp.md', '`GudpDaemon.start(options)`', ['src/node/gudp.ts#GudpDaemonOptions']],
  ['docs/gudp.md', '`daemon.connect(options)`', ['src/net/gudp/dial.ts#DialOptions']],
  ['docs/gudp.md', 'Of both sides.', ['src/net/gudp/connection-options.ts#ConnectionOptions']],
])('%s, %s: every option', (page, text, places) => {
  expect(tableOf(page, text).sort()).toEqual([...new Set(places.flatMap(optionsOf))].sort())
})

it('docs/gudp.md has the options of listen', () => {
  const told = tableOf('docs/gudp.md', '`daemon.listen(options)`').sort()
  const inner = optionsOf('src/net/gudp/listener.ts#ListenOptions').filter((name) => name !== 'onSession')
  expect(told).toEqual([...inner, 'onConnection'].sort())
})
