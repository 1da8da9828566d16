// Finds a Firefox and opens a page in it. There is no driver: what the page has to say it says to the server that it came from.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const names = ['firefox-esr', 'firefox', 'firefox.exe']
const apps = ['/Applications/Firefox.app/Contents/MacOS/firefox']

// No talk with the outside, no first-run pages, no question whether it is the default: the page under test is all that runs.
const preferences = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.safebrowsing.blockedURIs.enabled': false,
  'browser.safebrowsing.downloads.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.safebrowsing.update.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.healthreport.uploadEnabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.getAddons.cache.enabled': false,
  'extensions.systemAddon.update.enabled': false,
  'extensions.update.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.disablePrefetch': true,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.unified': false,
  'trailhead.firstrun.didSeeAboutWelcome': true,
}

/** The path of a Firefox that runs, by FIREFOX_PATH or PATH; undefined where there is none. */
export function findFirefox() {
  if (process.env.FIREFOX_PATH) {
    if (runs(process.env.FIREFOX_PATH)) return process.env.FIREFOX_PATH
    throw new Error(`FIREFOX_PATH names no Firefox that runs: ${process.env.FIREFOX_PATH}`)
  }
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((dir) => names.map((name) => join(dir, name)))
  return [...onPath, ...apps].find(runs)
}

/** Some systems have a `firefox` that only says how to install one. */
function runs(path) {
  if (!existsSync(path)) return false
  try {
    const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 30_000 }
    return /Firefox \d/.test(execFileSync(path, ['--version'], options))
  } catch {
    return false
  }
}

/** Opens `url` in a headless Firefox with a profile of its own: `{ errors, close }`; `errors()` is what it printed of late. */
export function openFirefox(path, url) {
  const profile = mkdtempSync(join(tmpdir(), 'spillway-firefox-'))
  const lines = Object.entries(preferences).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  )
  writeFileSync(join(profile, 'user.js'), lines.join('\n'))
  const isGroup = process.platform !== 'win32' // it is several processes, which are to end together
  const child = spawn(path, ['--headless', '--no-remote', '--profile', profile, url], {
    detached: isGroup,
    env: { ...process.env, HOME: profile }, // nothing of the user's, who may not be the one that runs it
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors = `${errors}${chunk}`.slice(-4000)
  })
  child.on('error', (error) => {
    errors += error.message
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const close = async () => {
    kill(child, isGroup)
    await ended
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
  return { errors: () => errors, close }
}

function kill(child, isGroup) {
  if (child.pid === undefined) return // it has never started
  try {
    if (isGroup) process.kill(-child.pid, 'SIGKILL')
    else child.kill('SIGKILL')
  } catch {
    // it has ended by itself
  }
}
