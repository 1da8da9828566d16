import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../core/errors.ts'
import { HttpPages, type Page } from '../node/http-pages.ts'
import { defineCommand } from './command.ts'
import { renderEndpoint } from './endpoint.ts'
import { CommandFailure, exitCode, starting, usageError } from './exit.ts'
import { integer, text } from './flags.ts'
import { Interrupt } from './interrupt.ts'

const flags = {
  port: integer('<port>', { from: 0, to: 65_535 }, 'Serve at this port. 0: the system chooses.', 0),
  host: text('<address>', 'Serve at this address.', '127.0.0.1'),
  out: text(
    '<folder>',
    'Serve nothing, but copy the page there: a static site for any file server. What else is there stays: the folder should be new, or empty.',
    undefined,
  ),
}

/** `spillway sim`: the simulator, served to a browser. */
export const sim = defineCommand({
  summary: 'The simulator: steps the Wasm in a browser, access by access.',
  operands: ['[schedule]'],
  description: [
    'Serves a page that runs the WebAssembly of this package with a few threads, one access to shared memory at a time: rings, the mutex, the signal, and a',
    'gudp connection on a simulated network. With a schedule, as the model checker or the page prints it, the address opens there.',
  ].join(' '),
  flags,
  examples: [
    'spillway sim',
    "spillway sim 'one-to-one/capacity=2:0*30,1*12'",
    "spillway sim 'gudp?loss=5&latency=40'",
    'spillway sim --out public/simulator',
  ],
  exitCodes: [
    ['0', 'SIGINT or SIGTERM has ended it, or the page is copied.'],
    ['1', 'Something went wrong that should not have.'],
    ['3', 'It could not start: the port is taken, the folder cannot be written, ...'],
  ],
  run: async ({ port, host, out }, [schedule], { self, stdout }) => {
    if (schedule !== undefined && /\s/.test(schedule))
      throw usageError(`a schedule has no spaces: '${schedule}'. It is as 'one-to-one:0*3,1' is`)
    if (schedule !== undefined && out !== undefined)
      throw usageError('a schedule is for the page that is served: with --out leave it out')
    const folder = fileURLToPath(new URL('../page/', self))
    if (!existsSync(folder))
      throw new CommandFailure(exitCode.cannotStart, `${folder} is not there: npm run build makes it`)
    if (out !== undefined) {
      copy(folder, out)
      stdout.write(`copied to ${out}: any file server will do\n`)
      return exitCode.ok
    }
    const interrupt = new Interrupt()
    const server = await starting(HttpPages.open({ host, port, pages: pagesIn(folder), runsWasm: true }))
    const { address, port: chosen } = server.address()
    stdout.write(`simulator at http://${renderEndpoint(address, chosen)}/${addressOf(schedule)}\n`)
    stdout.write('Ctrl-C ends it.\n')
    await untilTold(interrupt.signal)
    await server.close()
    interrupt.end()
    return exitCode.ok
  },
})

/** As far as a shell or a terminal would not take a character for its own. */
function addressOf(schedule: string | undefined): string {
  return schedule === undefined ? '' : `#${encodeURI(schedule)}`
}

function copy(from: string, to: string): void {
  try {
    cpSync(from, to, { recursive: true })
  } catch (error) {
    throw new CommandFailure(exitCode.cannotStart, `cannot write to ${to}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
}

/** Every file by its path, read when it is asked for. */
function pagesIn(folder: string): Record<string, Page> {
  const pages: Record<string, Page> = {}
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = join(folder, name)
    if (!statSync(file).isFile()) continue
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    pages[`/${name.split(sep).join('/')}`] = { type, body: () => readFileSync(file) }
  }
  const index = pages['/index.html']
  if (index === undefined)
    throw new CommandFailure(exitCode.cannotStart, `${folder} has no index.html: npm run build makes it`)
  return { ...pages, '/': index }
}

/** A server of pages keeps no process alive. */
function untilTold(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const alive = setInterval(() => {}, 2 ** 30)
    const end = () => {
      clearInterval(alive)
      resolve()
    }
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}
