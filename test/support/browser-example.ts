// The browser examples as a user has them: a folder of their own, in which spillway is installed, built by vite; and a visit to one.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build as esbuild } from 'esbuild'
import type { BrowserContext } from 'playwright-core'
import { build as vite } from 'vite'
import { serve } from '../../tools/browser.mjs'
import { openFirefox } from '../../tools/firefox.mjs'
import type { VisitResult } from '../runtimes/visitors/visit.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Paths as a server has them, and what lies there. */
export type Site = Record<string, string | Uint8Array>

/** No example needs more than this; a page that has it needs nothing inlined, and compiles Wasm. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src data:"
const LONGEST_VISIT_MS = 180_000

export async function buildExamples<Name extends string>(
  names: readonly Name[],
): Promise<Record<Name, Site>> {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-browser-'))
  try {
    cpSync(join(root, 'examples', 'browser'), folder, { recursive: true })
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(root, join(folder, 'node_modules', 'spillway'), 'junction')
    symlinkSync(join(root, 'node_modules', 'vite'), join(folder, 'node_modules', 'vite'), 'junction')
    const sites: [Name, Site][] = []
    for (const name of names) {
      await vite({ root: join(folder, name), logLevel: 'warn', build: { outDir: 'dist', emptyOutDir: true } })
      sites.push([name, filesIn(join(folder, name, 'dist'))])
    }
    return Object.fromEntries(sites) as Record<Name, Site>
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function filesIn(folder: string): Site {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  const paths = files.map(({ parentPath, name }) => join(parentPath, name))
  return Object.fromEntries(
    paths.map((path) => [`/${relative(folder, path).split(sep).join('/')}`, readFileSync(path)]),
  )
}

export interface Opened {
  /** What went wrong that the page itself does not hear of. */
  problems(): string[]
  /** For a visit that does not end: what else there is to say. */
  lastWords(): string
  close(): Promise<void>
}

export type Opener = (url: string) => Opened | Promise<Opened>

export const inFirefox =
  (path: string): Opener =>
  (url) => {
    const { errors, close } = openFirefox(path, url)
    return { problems: () => [], lastWords: errors, close }
  }

/** On a small, dark screen. */
export const inChromium =
  (context: BrowserContext): Opener =>
  async (url) => {
    const page = await context.newPage()
    const problems: string[] = []
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) problems.push(message.text())
    })
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('crash', () => problems.push('the page crashed'))
    await page.setViewportSize({ width: 360, height: 740 })
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.goto(url)
    return { problems: () => problems, lastWords: () => problems.join('\n'), close: () => page.close() }
  }

type Seen = Record<string, unknown>

interface Visit {
  open: Opener
  /** a file of test/runtimes/visitors */
  visitor: string
  isolated: boolean
  /** Takes what the page posts to /events, and may answer with a status. */
  onEvents?: (body: string) => number | undefined
  /** Looks on while the page is still there: what it has sent may be on its way. */
  whileOpen?: (seen: Seen) => Promise<unknown>
  /** What the browser may complain of: the visit brings it about. */
  tolerates?: RegExp
}

/** What the visitor saw; throws if it, the page or the browser had anything to complain of. */
export async function visitExample(site: Site, visit: Visit): Promise<Seen> {
  const { open, visitor, isolated, onEvents, whileOpen, tolerates } = visit
  let tell = (_: VisitResult) => {}
  const told = new Promise<VisitResult>((resolve) => {
    tell = resolve
  })
  const onPost = (path: string, body: string) =>
    path === '/events' ? onEvents?.(body) : void tell(JSON.parse(body))
  const headers = { 'Content-Security-Policy': POLICY }
  const server = await serve(await withVisitor(site, visitor), { isolated, headers, onPost })
  try {
    const opened = await open(server.url)
    try {
      const { seen, error, problems } = await Promise.race([told, afterLongest(opened)])
      const all = [...(error ? [error] : []), ...problems, ...opened.problems()]
      const untold = all.filter((problem) => !tolerates?.test(problem))
      if (untold.length > 0) throw new Error(untold.join('\n'))
      await whileOpen?.(seen!)
      return seen!
    } finally {
      await opened.close()
    }
  } finally {
    await server.close()
  }
}

function afterLongest({ lastWords }: Opened): Promise<never> {
  return new Promise((_, reject) => {
    const late = () => reject(new Error(`no result within ${LONGEST_VISIT_MS} ms: ${lastWords()}`))
    setTimeout(late, LONGEST_VISIT_MS).unref()
  })
}

/** The page is asked for as '/', and loads the visitor before its own scripts. */
async function withVisitor(site: Site, visitor: string): Promise<Site> {
  const { outputFiles } = await esbuild({
    entryPoints: [join(root, 'test', 'runtimes', 'visitors', `${visitor}.ts`)],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  })
  const script = '<script type="module" src="/visitor.js"></script>'
  const page = Buffer.from(site['/index.html']!).toString().replace('<script', `${script}\n<script`)
  return { ...site, '/': page, '/visitor.js': outputFiles[0]!.text }
}
