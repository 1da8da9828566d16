// The examples for browsers, built as a user builds them, in a real Chromium, and in Firefox where there is one.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser } from '../../tools/browser.mjs'
import {
  buildExamples,
  inChromium,
  inFirefox,
  type Opener,
  type Site,
  visitExample,
} from '../support/browser-example.ts'
import { firefoxPath, whyLeftOut } from './left-out.ts'

type Figures = Record<string, number>

let sites: Record<'isolated' | 'single', Site>

beforeAll(async () => {
  sites = await buildExamples(['isolated', 'single'])
})

const sum = (figures: readonly Figures[], name: string) =>
  figures.reduce((total, one) => total + one[name]!, 0)

/** By what the page shows, and not by what it says of it. */
function expectClosed(ledger: Figures): void {
  const { written, dropped, oversize, read, missed, depth } = ledger
  expect(ledger).toMatchObject({
    offered: written! + dropped! + oversize!,
    written: read! + missed! + depth!,
  })
}

function examplesWork(opener: () => Opener): void {
  it('has workers that share a diode: one is terminated, the others go on, the ledger closes', async () => {
    const visit = { open: opener(), visitor: 'isolated', isolated: true }
    const seen = await visitExample(sites.isolated, visit)
    expect(seen).toMatchObject({
      isWide: false,
      isHelpHidden: true,
      states: ['terminated', 'has stopped', 'has stopped'],
    })
    expect(seen.verdict).toContain('The ledger closes')
    const [ledger, writers] = [seen.ledger as Figures, seen.writers as Figures[]]
    expectClosed(ledger)
    expect(ledger).toMatchObject({ dropped: 0, oversize: 0, depth: 0 })
    expect(ledger).toMatchObject({ read: sum(writers, 'read'), missed: sum(writers, 'missed') })
    // 99 steps of a triangle of 3, 4 and 5, read by a worker that blocks.
    expect(seen.pointer).toMatchObject({ written: 100, read: 100, missed: 0, pixels: 495 })
  })

  it('names the two headers where they are missing, and throws nothing', async () => {
    const visit = { open: opener(), visitor: 'not-isolated', isolated: false }
    const seen = await visitExample(sites.isolated, visit)
    expect(seen).toMatchObject({ isWide: false, isAppHidden: true })
    expect(seen.help).toContain('Cross-Origin-Opener-Policy: same-origin')
    expect(seen.help).toContain('Cross-Origin-Embedder-Policy: require-corp')
  })

  it('has a diode before the network in a page without isolation: what was not lost has come', async () => {
    const { seen, ledger, network, taken } = await visitSingle(opener())
    expect(seen).toMatchObject({ isWide: false, isIsolated: false, hasSharedMemory: false })
    expectClosed(ledger)
    expect(ledger).toMatchObject({ offered: 10_000, depth: 0, read: network.sent })
    expect(ledger.missed).toBeGreaterThanOrEqual(9000) // of each burst the diode holds 500 at most
    expect(network).toMatchObject({ failed: 0, inFlight: 0 })
    const numbers = taken.map((line) => JSON.parse(line).sequence as number)
    expect(new Set(numbers).size).toBe(network.sent)
    expect(numbers).toContain(9999) // the newest are never lost
  })

  it('counts what the server refuses, and goes on', async () => {
    const { ledger, network, refused } = await visitSingle(opener(), 1)
    expectClosed(ledger)
    expect(network).toMatchObject({ failed: refused.length, inFlight: 0 })
    expect(ledger.read).toBe(network.sent! + network.failed!)
  })
}

/** The page of one thread, before a server that refuses the first batches: what the page shows, and what has come. */
async function visitSingle(open: Opener, refusals = 0) {
  const batches: string[][] = []
  const onEvents = (body: string) => (batches.push(body.trimEnd().split('\n')) <= refusals ? 503 : 204)
  const taken = () => batches.slice(refusals).flat()
  const whileOpen = ({ network }: { network?: Figures }) =>
    expect.poll(() => taken().length, { timeout: 20_000 }).toBe(network!.sent)
  const visit = { open, visitor: 'single', isolated: false, onEvents, whileOpen, tolerates: /503/ }
  const seen = await visitExample(sites.single, visit)
  const [ledger, network] = [seen.ledger as Figures, seen.network as Figures]
  return { seen, ledger, network, taken: taken(), refused: batches.slice(0, refusals).flat() }
}

const titleOf = (name: string, why: string | undefined) => (why ? `in ${name} (${why})` : `in ${name}`)

const noChromium = whyLeftOut('chromium')
describe.skipIf(noChromium)(titleOf('Chromium', noChromium), () => {
  let browser: Awaited<ReturnType<typeof launchBrowser>>

  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  examplesWork(() => inChromium(browser.context))
})

const noFirefox = whyLeftOut('firefox')
describe.skipIf(noFirefox)(titleOf('Firefox', noFirefox), () => {
  examplesWork(() => inFirefox(firefoxPath!))
})
