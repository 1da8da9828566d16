// The live page of `spillway collect --ui`, in a real Chromium: real events, what the page shows of them, and that nothing is markup.
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { launchBrowser } from '../../tools/browser.mjs'
import { collecting, lastRecord, RunningCommand, run } from '../cli/support/command.ts'
import { collectorFigures, sourceFigures } from '../support/metric-figures.ts'
import { leftOut } from './left-out.ts'

describe.skipIf(leftOut.includes('chromium'))('the live page', () => {
  let context: BrowserContext
  let closeBrowser: () => Promise<void>

  beforeAll(async () => {
    const browser = await launchBrowser()
    context = browser.context
    closeBrowser = browser.close
  })
  afterAll(() => closeBrowser())

  /** A collector with its page, and what the browser complains of: it must be nothing. */
  async function watching(flags: readonly string[] = [], scheme: 'light' | 'dark' = 'light') {
    const { command, port } = await collecting('--ui', '127.0.0.1:0', ...flags)
    const [, url] = await command.says(/"kind":"ui","url":"([^"]+)"/)
    const page = await context.newPage()
    const problems: string[] = []
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) problems.push(message.text())
    })
    page.on('pageerror', (error) => problems.push(error.message))
    const foreign: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith(url!) && !request.url().startsWith('data:')) foreign.push(request.url())
    })
    onTestFinished(() => page.close())
    await page.emulateMedia({ colorScheme: scheme })
    return { command, port, url: url!, page, problems, foreign }
  }

  const isLossy = (page: Page, place: string) =>
    page.locator(`#places [data-key="${place}"]`).evaluate((item) => item.classList.contains('lossy'))
  const says = (page: Page, selector: string, text: string | RegExp) =>
    page.locator(selector).filter({ hasText: text }).first().waitFor({ timeout: 20_000 })

  it('shows what comes, from whom, and what is lost, as it happens', async () => {
    // Of ten thousand runs about one loses all three of the last heartbeats, too: then nobody could tell.
    const { command, port, url, page, problems, foreign } = await watching(['--lose', '4', '--seed', '3'])
    await page.goto(url)
    await says(page, '#state', 'live')
    await says(page, 'header', `listens on 127.0.0.1:${port} (udp)`)
    await says(page, '#hidden-sources', 'Nothing has come yet.')
    const events = Array.from({ length: 3000 }, (_, i) => `{"event":"process_exec","i":${i}}\n`).join('')
    const flags = ['--no-metadata', '--json', '--max-datagram', '300', '--rate', '3000']
    const sender = new RunningCommand(['send', ...flags, `127.0.0.1:${port}`])
    sender.child.stdin!.write(events)
    // Numbers move while it sends.
    await says(page, '[data-key="rate"] span', /^[1-9]/)
    sender.child.stdin!.end()
    const { source } = lastRecord((await sender.ended).stderr) as unknown as { source: string }
    await says(page, '#sources tbody tr', source)
    await says(page, '#sources tbody tr', 'over')
    // What the page says is what the ledger says.
    const answer = await fetch(new URL('/stats.json', url))
    const { things } = (await answer.json()) as {
      things: { stats: { totals: { received: number; lost: number } } }[]
    }
    const { received, lost } = things[0]!.stats.totals
    const text = (count: number) => new Intl.NumberFormat('en').format(count)
    expect(received + lost).toBe(3000)
    expect(lost).toBeGreaterThan(0)
    await says(page, '[data-key="received"] span', new RegExp(`^${text(received)}$`))
    await says(page, '[data-key="handed"] span', new RegExp(`^${text(received)}$`))
    await says(page, '[data-key="network"] .count', new RegExp(`^${text(lost)}$`))
    expect(await isLossy(page, 'network')).toBe(true)
    expect(await isLossy(page, 'sinks')).toBe(false)
    await says(page, '#sinks tbody tr', 'stdout')
    expect(await page.locator('canvas').count()).toBe(3)
    expect(await page.locator('#rates').getAttribute('role')).toBe('img')
    await says(page, '#queue-summary', /^waiting \d/)
    // It says when nobody answers, which the browser reports, too.
    expect(problems).toEqual([])
    expect(foreign).toEqual([])
    await command.kill('SIGTERM')
    await says(page, '#state', 'no answer')
  })

  for (const scheme of ['light', 'dark'] as const) {
    it(`is to be read in a ${scheme} scheme, and on a narrow screen`, async () => {
      const { command, port, url, page, problems } = await watching([], scheme)
      await page.setViewportSize({ width: 360, height: 740 })
      await page.goto(url)
      await run(['send', '--quiet', `127.0.0.1:${port}`], 'a\nb\n')
      await says(page, '#sources tbody tr', '127.0.0.1')
      const look = await page.evaluate(() => {
        const parse = (colour: string) => (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number)
        const light = (colour: string) => {
          const [r = 0, g = 0, b = 0] = parse(colour).map((c) => (c / 255) ** 2.2)
          return 0.2126 * r + 0.7152 * g + 0.0722 * b
        }
        const contrast = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
        const card = document.querySelector('.tiles > div')!
        const back = light(getComputedStyle(card).backgroundColor)
        const texts = ['.tiles dt', '.tiles dd', '.tiles small', '#places .more', 'figcaption', '.u-legend']
        return {
          isDark: back < 0.2,
          contrasts: texts.map((text) => [
            text,
            contrast(back, light(getComputedStyle(document.querySelector(text)!).color)),
          ]),
          overflow: document.documentElement.scrollWidth - innerWidth,
          widest: Math.max(
            ...[...document.querySelectorAll('canvas')].map((c) => c.getBoundingClientRect().width),
          ),
        }
      })
      expect(look.isDark).toBe(scheme === 'dark')
      for (const [text, contrast] of look.contrasts) expect(contrast, String(text)).toBeGreaterThan(4.5)
      expect(look.overflow).toBeLessThanOrEqual(0)
      expect(look.widest).toBeLessThan(360)
      expect(problems).toEqual([])
      await command.kill('SIGTERM')
    })
  }

  it('takes nothing that it is told for markup', async () => {
    const { command, url, page, problems } = await watching()
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    const source = sourceFigures(evil, [{ port: 1, received: 5 }])
    const stats = {
      ...collectorFigures([{ ...source, flows: [{ ...source.flows[0]!, address: evil }] }]),
      transport: evil,
      sinks: [
        {
          name: evil,
          offered: 1,
          handed: 1,
          failed: 0,
          dropped: 0,
          droppedBytes: 0,
          inHand: 0,
          waiting: 0,
          batches: 1,
        },
      ],
    }
    const told = { time: Date.now(), things: [{ kind: 'collector', labels: {}, stats }] }
    await page.route('**/stats.json', (route) => route.fulfill({ json: told }))
    await page.goto(url)
    await says(page, '#sources tbody tr', evil)
    await says(page, '#sinks tbody tr', evil)
    await says(page, '#transport', evil)
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(await page.title()).toBe('spillway collect')
    expect(problems).toEqual([])
    // Nor could a script run that was not our own.
    const { headers } = await fetch(url)
    expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self';")
    await command.kill('SIGTERM')
  })

  it('may be put into no frame, and is served to no other name', async () => {
    const { command, url } = await watching()
    const { headers, status } = await fetch(url)
    expect(status).toBe(200)
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    for (const [path, type] of [
      ['/ui.js', 'text/javascript'],
      ['/ui.css', 'text/css'],
    ] as const)
      expect((await fetch(new URL(path, url))).headers.get('content-type')).toContain(type)
    await command.kill('SIGTERM')
  })
})
