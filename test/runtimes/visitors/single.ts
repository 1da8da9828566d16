// Writes more than the diode holds, twice, and the second time the page goes away; waits until everything is somewhere.
import { figures, isWiderThanItsWindow, one, until, visit } from './visit.ts'

const ledger = () => figures(one('#ledger'))
const network = () => figures(one('#network'))
const isQuiet = () =>
  one('#verdict').dataset.closes === 'true' && ledger().depth === 0 && network().inFlight === 0

async function burst(): Promise<void> {
  const { offered } = ledger()
  one('#burst').click()
  await until('the burst shows', () => ledger().offered! > offered!)
}

visit(async () => {
  await until('the page is there', () => one('#burst').onclick !== null)
  await burst()
  await until('all is sent', isQuiet)
  one('#burst').click()
  dispatchEvent(new Event('pagehide'))
  await until('the burst shows', () => ledger().offered === 10_000)
  await until('all is sent again', isQuiet)
  return {
    isWide: isWiderThanItsWindow(),
    isIsolated: crossOriginIsolated,
    hasSharedMemory: 'SharedArrayBuffer' in globalThis,
    ledger: ledger(),
    network: network(),
  }
})
