// The simulator in a real Chromium, served by the command and as a static site: every structure, links, tours, keys, and how it looks.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { exhibits } from '../../src/sim/exhibits/index.ts'
import { PairRun, parseSetting } from '../../src/sim/gudp/index.ts'
import { type Instrumented, parseSchedule, replay, unpackInstrumented } from '../../src/sim/index.ts'
import { scenarioNamed } from '../../src/sim/scenarios/index.ts'
import { Session } from '../../src/sim/session.ts'
import { launchBrowser, serve } from '../../tools/browser.mjs'
import { tours } from '../../web/sim/tours.ts'
import { RunningCommand } from '../cli/support/command.ts'
import { leftOut } from './left-out.ts'

const folder = fileURLToPath(new URL('../../dist/page/', import.meta.url))

/** All of the page, by its paths. */
function siteFiles(): Record<string, Uint8Array> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.\w+$/.test(name),
  )
  const files = Object.fromEntries(
    names.map((name) => [`/${name.replaceAll('\\', '/')}`, readFileSync(join(folder, name))]),
  )
  return { ...files, '/': files['/index.html']! }
}

const cores = new Map<string, Instrumented>()

/** In Node, what the page has. */
function coreOf(module: string, plant?: string): Instrumented {
  const file = plant === undefined ? `${module}.sim.wasm` : `plants/${plant}.sim.wasm`
  const known = cores.get(file) ?? unpackInstrumented(new Uint8Array(readFileSync(join(folder, file))))
  cores.set(file, known)
  return known
}

/** Enough for more steps than a test takes. */
const LONG: Readonly<Record<string, string>> = {
  'one-to-one': 'one-to-one/events=9999',
  'many-to-one': 'many-to-one/events=9999',
  'one-to-many': 'one-to-many/events=9999',
  signal: 'signal/events=9999',
  'bipartite-ring': 'bipartite-ring/events=9999',
  'stream-ring': 'stream-ring/events=9999',
  monitor: 'monitor/turns=2000',
  'status-word': 'status-word/times=9999',
}

describe.skipIf(leftOut.includes('chromium'))('the simulator', () => {
  let context: BrowserContext
  let url: string
  let closeSite: () => Promise<unknown>
  let closeBrowser: () => Promise<void>

  beforeAll(async () => {
    const browser = await launchBrowser()
    context = browser.context
    closeBrowser = browser.close
    const site = await serve(siteFiles(), { isolated: false })
    url = site.url
    closeSite = site.close
  })
  afterAll(async () => {
    await closeBrowser()
    await closeSite()
  })

  interface Opened {
    page: Page
    /** Whatever the browser complains of. */
    problems: string[]
  }

  async function open(
    address = '',
    { at = url, scheme = 'light', width = 1400, height = 1000, calm = true } = {},
  ): Promise<Opened> {
    const page = await context.newPage()
    const problems: string[] = []
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) problems.push(message.text())
    })
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('requestfailed', (request) => problems.push(`failed: ${request.url()}`))
    page.on('request', (request) => {
      if (!request.url().startsWith(at) && !request.url().startsWith('data:'))
        problems.push(`foreign: ${request.url()}`)
    })
    onTestFinished(() => page.close())
    await page.emulateMedia({
      colorScheme: scheme as 'light' | 'dark',
      reducedMotion: calm ? 'reduce' : 'no-preference',
    })
    await page.setViewportSize({ width, height })
    await page.goto(`${at}${address}`)
    await page.waitForFunction(() => document.documentElement.dataset.ready === 'true')
    return { page, problems }
  }

  const hashOf = (page: Page) => page.locator('#hash').innerText()
  const scheduleOf = (page: Page) => page.locator('#schedule').inputValue()
  const fault = (page: Page) => page.locator('#fault')
  const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).first().click()
  const stepText = (page: Page) => page.locator('#controls output').innerText()

  describe.each(exhibits.map(({ id }) => id))('%s', (id) => {
    it('loads, steps, takes 10,000 steps, and is where the checker in Node is', async () => {
      const { page, problems } = await open(`#${LONG[id]}`)
      expect(await page.locator('article.lane:visible').count()).toBeGreaterThan(1)
      expect(await page.locator('#memory article').count()).toBeGreaterThan(0)
      await page
        .getByRole('button', { name: /^Step / })
        .and(page.locator(':enabled'))
        .first()
        .click()
      expect(await stepText(page)).toBe('step 1')
      await page.getByLabel('Who steps').selectOption('random')
      for (let thousands = 1; thousands <= 10; thousands++) await press(page, 'A thousand steps')
      expect(await stepText(page)).toBe('step 10001')
      await expect(fault(page).isVisible()).resolves.toBe(false)
      const schedule = await scheduleOf(page)
      expect(parseSchedule(schedule).transitions).toHaveLength(10_001)
      const scenario = scenarioNamed(LONG[id]!)
      const session = new Session(coreOf(scenario.module ?? 'core'), scenario)
      session.load(schedule)
      expect(await hashOf(page)).toBe(session.hash)
      const { machine } = replay(coreOf(scenario.module ?? 'core'), scenario, schedule, { livelock: false })
      expect([machine.memoryLow, machine.memoryHigh]).toEqual([
        session.machine.memoryLow,
        session.machine.memoryHigh,
      ])
      // To and fro.
      await press(page, 'To the beginning')
      expect(await stepText(page)).toBe('step 0 of 10001')
      await page.keyboard.press('End')
      expect(await hashOf(page)).toBe(session.hash)
      expect(problems).toEqual([])
    })

    it('replays a link to the same state, and kills', async () => {
      const scenario = scenarioNamed(id)
      const session = new Session(coreOf(scenario.module ?? 'core'), scenario, { seed: 7 })
      session.run(60, 'random')
      const { page, problems } = await open(`#${session.schedule}`)
      expect(await hashOf(page)).toBe(session.hash)
      const victim = session.machine.view.threads.findIndex((_, thread) => session.canKill(thread))
      if (victim >= 0) {
        const name = session.machine.view.threads[victim]!.name
        await page.getByRole('button', { name: `Kill ${name}`, exact: true }).click()
        session.kill(victim)
        expect(await hashOf(page)).toBe(session.hash)
        expect(await page.locator('article.lane .status').nth(victim).innerText()).toBe('killed')
        // The others go on.
        await press(page, 'A thousand steps')
        session.run(1000)
        expect(await hashOf(page)).toBe(session.hash)
      }
      expect(await fault(page).isVisible()).toBe(false)
      expect(problems).toEqual([])
    })
  })

  it('recovers: what a killed writer held is given back, and the ledger closes', async () => {
    const { page, problems } = await open('#many-to-one/events=2/deaths=told')
    for (let i = 0; i < 30; i++) await page.keyboard.press('1')
    await page.getByRole('button', { name: 'Kill writer A', exact: true }).click()
    for (let i = 0; i < 3; i++) await press(page, 'A thousand steps')
    const status = (lane: number) => page.locator('article.lane .status').nth(lane).innerText()
    expect([await status(0), await status(1), await status(2)]).toEqual(['killed', 'finished', 'asleep'])
    expect(await page.locator('#ledger .law.holds').innerText()).toContain(
      'written = read + missed + in the ring',
    )
    await expect(fault(page).isVisible()).resolves.toBe(false)
    expect(problems).toEqual([])
  })

  it('opens what the model checker printed of a planted bug, as it is', async () => {
    const { page, problems } = await open()
    await page.getByLabel('Show').selectOption('plant:wait-without-recheck')
    await page.locator('#about').filter({ hasText: 'A planted bug' }).waitFor()
    await press(page, 'Check every order')
    await page.locator('#checked').filter({ hasText: 'one of them fails' }).waitFor({ timeout: 60_000 })
    expect(await fault(page).innerText()).toContain('It fails here: lost wake-up')
    const schedule = await scheduleOf(page)
    expect(replay(coreOf('core', 'wait-without-recheck'), scenarioNamed('bell'), schedule).message).toMatch(
      /^lost wake-up/,
    )
    // The same by its link, and by pasting it.
    await page.waitForURL(({ hash }) => hash === `#${schedule}&plant=wait-without-recheck`)
    const link = page.url()
    const again = await open(link.slice(url.length))
    expect(await fault(again.page).innerText()).toContain('lost wake-up')
    expect(await hashOf(again.page)).toBe(await hashOf(page))
    // The code that ships does not fail in any order.
    await again.page.getByLabel('Show').selectOption('bell')
    await again.page.locator('#about').filter({ hasText: 'A scenario of the model checker' }).waitFor()
    await press(again.page, 'Check every order')
    await again.page
      .locator('#checked')
      .filter({ hasText: /All orders looked at/ })
      .waitFor({ timeout: 60_000 })
    expect([problems, again.problems]).toEqual([[], []])
  })

  it('takes a schedule that is pasted, and says what is wrong with one', async () => {
    const { page, problems } = await open()
    await page.locator('#schedule').fill('lane-oldest:0*9,1*4,k0')
    await press(page, 'Open')
    await page.locator('#controls output').filter({ hasText: 'step 14' }).waitFor()
    for (const [text, says] of [
      ['no-such-thing:0', "no scenario 'no-such-thing'"],
      ['one-to-one/capacity=999', 'capacity of one-to-one is from 1 to 64'],
      ['one-to-one:7', 'thread 7 cannot do that there'],
      ['one-to-one:x', 'not a schedule'],
    ] as const) {
      await page.locator('#schedule').fill(text)
      await press(page, 'Open')
      await fault(page).filter({ hasText: says }).waitFor()
    }
    expect(problems).toEqual([])
  })

  it('shows a link that does not fit as far as it goes, and goes on from there', async () => {
    const { page, problems } = await open('#one-to-one:0*5,7')
    expect(await fault(page).innerText()).toContain('thread 7 cannot do that there')
    expect(await stepText(page)).toBe('step 5')
    // The skip link leads to the threads, not to another scenario.
    await page.locator('.skip').focus()
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('stage')
    await page.keyboard.press('1')
    expect(await stepText(page)).toBe('step 6')
    expect(await fault(page).isVisible()).toBe(false)
    const other = await open('#no-such-thing')
    expect(await fault(other.page).innerText()).toBe("no scenario 'no-such-thing'")
    await other.page.keyboard.press('1')
    expect(await stepText(other.page)).toBe('step 1')
    // Settings in another order are the same settings.
    const third = await open('#one-to-one/events=3/capacity=2:0*4')
    expect(await stepText(third.page)).toBe('step 4')
    expect([problems, other.problems, third.problems]).toEqual([[], [], []])
  })

  it('goes back to the threads, and to their address, where one from elsewhere does not open', async () => {
    const { page, problems } = await open('#one-to-one:0*5')
    await page.getByLabel('Show').selectOption('gudp')
    await page.locator('#gudp').getByRole('button', { name: '+1 s' }).waitFor()
    await page.evaluate(() => {
      location.hash = '#no-such-thing'
    })
    await fault(page).filter({ hasText: "no scenario 'no-such-thing'" }).waitFor()
    await page.waitForURL(/#one-to-one:0\*5$/)
    expect(await stepText(page)).toBe('step 5')
    expect(problems).toEqual([])
  })

  it('checks every order beside the page, which can still be stepped, and stops when it is told to', async () => {
    const { page, problems } = await open('#many-to-one')
    await press(page, 'Check every order')
    await page.keyboard.press('1')
    expect(await stepText(page)).toBe('step 1')
    await press(page, 'Stop checking')
    expect(await page.locator('#checked').innerText()).toBe('Stopped.')
    expect(problems).toEqual([])
  })

  it('is chosen by settings, each a link of its own', async () => {
    const { page, problems } = await open()
    await page.getByLabel('when it is full').selectOption('drop-newest')
    await page.waitForURL(/#one-to-one\/policy=drop-newest$/)
    await page.getByLabel('capacity, records').fill('1')
    await page.getByLabel('capacity, records').press('Tab')
    await page.waitForURL(/#one-to-one\/capacity=1\/policy=drop-newest$/)
    for (let i = 0; i < 40; i++) await page.keyboard.press('Shift+Digit1')
    await page.locator('#trace em').filter({ hasText: 'refused' }).first().waitFor()
    await page.goBack()
    await page.goBack()
    await page.locator('#controls output').filter({ hasText: 'step 0' }).waitFor()
    expect(await page.getByLabel('when it is full').inputValue()).toBe('drop-oldest')
    expect(problems).toEqual([])
  })

  it('is worked by keyboard, says what it does, and runs and pauses', async () => {
    const { page, problems } = await open('#one-to-one')
    await page.keyboard.press('1')
    expect(await page.locator('#said').innerText()).toContain('writer A')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowLeft')
    expect(await stepText(page)).toBe('step 1 of 2')
    await page.keyboard.press('Shift+Digit2')
    expect(await page.locator('#said').innerText()).toContain('reader')
    await page.getByLabel('How fast').selectOption('1000')
    await page.locator('body').click({ position: { x: 2, y: 2 } })
    await page.keyboard.press('Space')
    await page
      .locator('#controls output')
      .filter({ hasText: /step [1-9]\d\d/ })
      .waitFor()
    if (await page.getByRole('button', { name: 'Run' }).filter({ hasText: 'Pause' }).isVisible())
      await page.keyboard.press('Space')
    expect(problems).toEqual([])
  })

  it.each(tours.map(({ id, steps }) => [id, steps.length] as const))(
    'guides through %s',
    async (id, count) => {
      const { page, problems } = await open(`#&tour=${id}&step=1`)
      for (let step = 1; step < count; step++) {
        await page.locator('#tour-text').getByRole('button', { name: 'Next' }).click()
        await page
          .locator('#tour-title')
          .filter({ hasText: `${step + 1} of ${count}` })
          .waitFor()
      }
      expect(await page.locator('#tour-text').getByRole('button', { name: 'Next' }).isDisabled()).toBe(true)
      await press(page, 'Leave the tour')
      await page.locator('#tour-text').waitFor({ state: 'hidden' })
      expect(problems).toEqual([])
    },
  )

  it('shows two machines of gudp that do in the browser what they do in Node', async () => {
    for (const query of ['seed=7&loss=5&jitter=30', 'plan=3']) {
      const { page, problems } = await open(`#gudp?${query}`)
      const time = page.locator('#gudp')
      for (let i = 0; i < 3; i++) await time.getByRole('button', { name: '+1 s' }).click()
      const run = new PairRun(parseSetting(query))
      run.advance(3000)
      await page
        .locator('#gudp p.note')
        .filter({ hasText: (run.hash >>> 0).toString(16).padStart(8, '0') })
        .waitFor()
      run.leave()
      expect(problems).toEqual([])
    }
  })

  it('turns a link’s loss while it runs, and has it in the address', async () => {
    const { page, problems } = await open('#gudp?tour=bad-mode')
    await page.getByRole('button', { name: 'Next ▶' }).click()
    await page.getByRole('button', { name: 'Leave the tour' }).click()
    await page.getByLabel('Loss').focus()
    await page.keyboard.press('ArrowRight')
    await page.waitForURL(/loss=/)
    expect(problems).toEqual([])
  })

  it('is a static site for any file server, without isolation, in less than 300 kB and a second', async () => {
    const files = Object.entries(siteFiles()).filter(([path]) => path !== '/')
    const bytes = gzipped(files)
    expect(bytes).toBeLessThan(300_000)
    const { page, problems } = await open('/')
    expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(false)
    const loadMs = await page.evaluate(() => performance.getEntriesByName('usable')[0]!.startTime)
    console.log(`simulator: usable after ${loadMs.toFixed(0)} ms`)
    const loaded = await page.evaluate(() =>
      performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname),
    )
    const shown = files.filter(([path]) => path === '/index.html' || loaded.includes(path))
    holdSizesInDocs(bytes, gzipped(shown))
    // A second on a machine that does nothing else.
    expect(loadMs).toBeLessThan(4000)
    expect(problems).toEqual([])
  })

  it('is served by the command, under a policy that lets it run its Wasm and nothing from elsewhere', async () => {
    const command = new RunningCommand(['sim', 'one-to-one/capacity=2:0*5,1'])
    const [, address] = await command.prints(/simulator at (http:\S+)/)
    const { page, problems } = await open(new URL(address!).hash, { at: new URL('/', address).href })
    expect(await stepText(page)).toBe('step 6')
    await page.getByLabel('Show').selectOption('gudp')
    await page.locator('#gudp').getByRole('button', { name: '+1 s' }).click()
    const answer = await fetch(address!)
    expect(answer.headers.get('content-security-policy')).toContain("script-src 'self' 'wasm-unsafe-eval'")
    expect(problems).toEqual([])
    command.child.kill('SIGINT')
    expect((await command.ended).code).toBe(0)
  })

  it.each([
    ['light', 1400],
    ['dark', 1400],
    ['light', 360],
    ['dark', 360],
  ] as const)('looks as it should: %s, %i px wide', async (scheme, width) => {
    for (const address of [
      '#one-to-one:0*60,1*20',
      '#&tour=overtaken&step=5',
      '#bipartite-ring:0*20,1*60',
      '#gudp?loss=5',
    ]) {
      const { page, problems } = await open(address, { scheme, width })
      if (address.startsWith('#gudp'))
        await page.locator('#gudp').getByRole('button', { name: '+1 s' }).click()
      // Nothing is wider than the screen, and nothing is drawn in the colour of what it stands on.
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
      ).toBeLessThanOrEqual(0)
      expect(await page.evaluate(lowContrast)).toEqual([])
      const shot = process.env.SPILLWAY_SHOTS
      if (shot !== undefined) {
        const name = `${address.replace(/\W+/g, '-')}-${scheme}-${width}.png`
        await page.screenshot({ path: join(shot, name), fullPage: true })
      }
      expect(problems).toEqual([])
    }
  })
})

function gzipped(files: readonly (readonly [path: string, file: Uint8Array])[]): number {
  return files.reduce((sum, [, file]) => sum + gzipSync(file, { level: 9 }).length, 0)
}

/** docs/simulator.md tells the sizes, to a tenth; with SPILLWAY_WRITE_SIZES it is told them. */
function holdSizesInDocs(all: number, diode: number): void {
  const path = fileURLToPath(new URL('../../docs/simulator.md', import.meta.url))
  const measured = [all, diode].map((bytes) => Math.round(bytes / 1000))
  const line = `It is ${measured[0]} kB gzipped with everything in it; a page that shows a diode loads ${measured[1]} kB of them.`
  const page = readFileSync(path, 'utf8')
  const sizesIn = /<!-- sizes -->(.*?)<!-- \/sizes -->/s
  if (process.env.SPILLWAY_WRITE_SIZES !== undefined) {
    writeFileSync(path, page.replace(sizesIn, `<!-- sizes -->${line}<!-- /sizes -->`))
    return
  }
  const told = [...sizesIn.exec(page)![1]!.matchAll(/\d+/g)].map(Number)
  for (const [i, size] of measured.entries())
    expect(
      Math.abs(told[i]! - size) / size,
      `docs/simulator.md; SPILLWAY_WRITE_SIZES=1 writes: ${line}`,
    ).toBeLessThan(0.1)
}

/** Texts whose contrast to what is behind them is less than 4.5: in the page. */
function lowContrast(): string[] {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!
  const rgba = (colour: string): number[] => {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = colour
    canvas.fillRect(0, 0, 1, 1)
    return Array.from(canvas.getImageData(0, 0, 1, 1).data, (value) => value / 255)
  }
  const over = (top: number[], below: number[]) =>
    [0, 1, 2].map((i) => top[i]! * top[3]! + below[i]! * (1 - top[3]!)).concat(1)
  const behind = (element: Element | null): number[] => {
    if (element === null) return rgba('canvas')
    const colour = rgba(getComputedStyle(element).backgroundColor)
    return colour[3] === 1 ? colour : over(colour, behind(element.parentElement))
  }
  const light = ([r, g, b]: number[]) => {
    const linear = [r!, g!, b!].map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    return 0.2126 * linear[0]! + 0.7152 * linear[1]! + 0.0722 * linear[2]!
  }
  const found: string[] = []
  for (const element of document.querySelectorAll('body *')) {
    const hasText = [...element.childNodes].some(
      (node) => node.nodeType === 3 && node.textContent!.trim() !== '',
    )
    if (
      !hasText ||
      element.closest('option, :disabled, svg, canvas, .u-legend') ||
      element.getClientRects().length === 0
    )
      continue
    const back = behind(element)
    const front = over(rgba(getComputedStyle(element).color), back)
    const [bright, dark] = [light(front), light(back)].sort((a, b) => b - a)
    const ratio = (bright! + 0.05) / (dark! + 0.05)
    if (ratio < 4.5)
      found.push(
        `${element.tagName}.${element.className} "${element.textContent!.trim().slice(0, 30)}" ${ratio.toFixed(2)}`,
      )
  }
  return found
}
