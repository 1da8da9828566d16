import { describe, expect, it } from 'vitest'
import { closeAccounts, type Figures, verdictOf } from '../../src/cli/demo/accounts.ts'
import { renderLedger } from '../../src/cli/table.ts'

const quiet: Figures = {
  threads: 4,
  offered: 1000,
  counted: 1000,
  droppedBy: { overwritten: 0, full: 0 },
  delivered: 1000,
  doubled: 0,
  foreign: 0,
  missing: 0,
  missingAtKill: 0,
  droppedByFile: 0,
  measuredLost: 0,
  wasKilled: false,
}

const verdict = (figures: Figures) => verdictOf(figures, closeAccounts(figures))
const table = (figures: Figures) => renderLedger(closeAccounts(figures).rows, (_, text) => text).join('\n')

describe('the accounts of a demo', () => {
  it('close when every event is in one place', () => {
    expect(verdict(quiet)).toBe(
      'ledger closed: 1,000 offered = 1,000 delivered + 0 dropped + 0 lost on the network',
    )
    const lossy = {
      ...quiet,
      delivered: 600,
      droppedBy: { overwritten: 150, oversize: 50 },
      missing: 200,
      measuredLost: 200,
    }
    expect(verdict(lossy)).toBe(
      'ledger closed: 1,000 offered = 600 delivered + 200 dropped + 200 lost on the network',
    )
    expect(table(lossy)).toMatch(
      /overwritten +150\n +oversize +50\n +lost on the network +200 .*by heartbeats: 200/,
    )
    expect(table(lossy)).toMatch(/left over +0$/)
  })

  it('tell what a killed receiver took with it from what the network lost', () => {
    const killed = {
      ...quiet,
      delivered: 700,
      missing: 300,
      missingAtKill: 260,
      measuredLost: 11,
      wasKilled: true,
    }
    expect(verdict(killed)).toBe(
      'ledger closed: 1,000 offered = 700 delivered + 0 dropped + 40 lost on the network + 260 lost with the killed receiver',
    )
  })

  it('have a place for what the file could not keep up with', () => {
    const slow = { ...quiet, delivered: 900, missing: 100, droppedByFile: 90, measuredLost: 10 }
    expect(verdict(slow)).toContain('+ 10 lost on the network + 90 dropped before the file')
  })

  it('do not close when an event is nowhere, in two places, or told of differently', () => {
    const cases: readonly (readonly [Partial<Figures>, string])[] = [
      [{ delivered: 999 }, '1 event left over'],
      [{ delivered: 1001 }, '-1 events left over'],
      [{ counted: 999 }, 'the threads offered 1,000, the exporter counted 999'],
      [{ doubled: 3 }, '3 lines in the file twice'],
      [{ foreign: 2 }, '2 lines in the file that are no event'],
      [{ delivered: 990, missing: 10, measuredLost: 9 }, '10 were lost, the receiver measured 9'],
    ]
    for (const [change, words] of cases) {
      expect(verdict({ ...quiet, ...change })).toContain(`ledger NOT closed: `)
      expect(verdict({ ...quiet, ...change })).toContain(words)
    }
  })
})
