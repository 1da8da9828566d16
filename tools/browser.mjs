// Finds or fetches a Chromium, starts it with a profile of its own, and serves pages to it from loopback.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { chromium } from 'playwright-core'
import { installed, say } from './cache.mjs'

const sparticuz = { name: '@sparticuz/chromium', version: '153.0.0' }

const names = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'chrome',
  'chrome.exe',
]
const apps = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']

// A new profile and no talk with the outside: the page under test is all that runs.
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The path of a Chromium: CHROME_PATH, PATH, playwright's cache, else one from npm into .cache/browser. */
export function ensureBrowser() {
  if (process.env.CHROME_PATH) {
    if (existsSync(process.env.CHROME_PATH)) return process.env.CHROME_PATH
    throw new Error(`CHROME_PATH names no file: ${process.env.CHROME_PATH}`)
  }
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((dir) => names.map((name) => join(dir, name)))
  const found = [...onPath, ...apps, chromium.executablePath()].find((path) => path && existsSync(path))
  return found ?? fromNpm()
}

function fromNpm() {
  const dir = installed('browser', sparticuz.name, sparticuz.version, unpack)
  say(`no Chromium on this machine: using ${sparticuz.name} ${sparticuz.version} from .cache/browser`)
  return join(dir, 'bin', 'chromium')
}

// The package unpacks its binary into the temporary folder it is told of; a child is told of one inside .cache.
function unpack(dir) {
  const bin = join(dir, 'bin')
  mkdirSync(bin)
  const script = `import chromium from '${sparticuz.name}'; chromium.setGraphicsMode = false; await chromium.executablePath()`
  execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: dir,
    env: { ...process.env, TMPDIR: bin, TEMP: bin, TMP: bin },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 120_000,
  })
  rmSync(join(dir, 'node_modules'), { recursive: true, force: true })
}

/** Starts Chromium on a profile folder of its own: `{ context, version, close }`; `context` is playwright's. */
export async function launchBrowser() {
  const executablePath = ensureBrowser()
  const profile = mkdtempSync(join(tmpdir(), 'spillway-chromium-'))
  const removeProfile = () =>
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  try {
    const options = { executablePath, headless: true, args: flags, chromiumSandbox: false, timeout: 60_000 }
    const context = await chromium.launchPersistentContext(profile, options)
    const close = async () => {
      await context.close()
      removeProfile()
    }
    return { context, version: context.browser()?.version() ?? 'unknown', close }
  } catch (error) {
    removeProfile()
    throw error
  }
}

const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

const types = {
  css: 'text/css',
  html: 'text/html',
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
}

/**
 * Serves `files` (a map of path to text or bytes) on loopback, on a port of the system's choice: `{ url, close }`.
 * `isolated` sends the two headers that give the page shared memory, `headers` are sent beside them. What is posted goes
 * to `onPost(path, text)`, which may answer with a status.
 */
export async function serve(files, { isolated, headers: more = {}, onPost }) {
  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname
    if (request.method === 'POST') {
      const answer = (body) => response.writeHead(onPost?.(path, body) ?? 204).end()
      return text(request).then(answer, () => response.destroy()) // the page may go in the middle of it
    }
    const body = files[path]
    if (body === undefined) return response.writeHead(404).end()
    const type = types[path.split('.').pop()] ?? 'text/html'
    const headers = { ...more, 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store' }
    response.writeHead(200, isolated ? { ...headers, ...isolation } : headers).end(body)
  })
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${server.address().port}`, close }
}
