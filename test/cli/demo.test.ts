import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lastRecord, RunningCommand, run } from './support/command.ts'

interface DemoLedger {
  readonly isClosed: boolean
  readonly offered: number
  readonly delivered: number
  readonly dropped: number
  readonly lost: number
  readonly missingAtKill: number
  readonly measuredLost: number
  readonly difference: number
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-cli-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A demo of two seconds: its ledger, and the file it has left. */
async function demo(...flags: string[]): Promise<DemoLedger & { file: string[] }> {
  const out = join(folder, 'events.ndjson')
  const { code, stdout, stderr } = await run(['demo', '--seconds', '2', '--json', '--out', out, ...flags])
  const ledger = lastRecord(String(stdout)) as unknown as DemoLedger
  expect(code, `${stdout}${stderr}`).toBe(0)
  const lines = readFileSync(out, 'utf8').trimEnd().split('\n')
  return { ...ledger, file: lines.filter((line) => !line.startsWith('{"event":"spillway.stats"')) }
}

describe('the demo', () => {
  it('closes its ledger, and the file bears it out', async () => {
    const ledger = await demo()
    expect(ledger).toMatchObject({ kind: 'ledger', isClosed: true, difference: 0, missingAtKill: 0 })
    expect(ledger.offered).toBeGreaterThan(10_000)
    expect(ledger.offered).toBe(ledger.delivered + ledger.dropped + ledger.lost)
    expect(ledger.file.length).toBe(ledger.delivered)
    const ids = new Set(ledger.file.map((line) => JSON.parse(line).exec_id))
    expect(ids.size).toBe(ledger.delivered)
  })

  it('closes it when the network loses a fifth, and the receiver knows how much that is', async () => {
    const ledger = await demo('--drop', '20')
    expect(ledger).toMatchObject({ isClosed: true, difference: 0 })
    expect(ledger.lost).toBe(ledger.measuredLost)
    expect(ledger.lost / (ledger.lost + ledger.delivered)).toBeGreaterThan(0.15)
    expect(ledger.lost / (ledger.lost + ledger.delivered)).toBeLessThan(0.25)
    expect(ledger.file.length).toBe(ledger.delivered)
  })

  it('closes it when the receiver is killed half-way', async () => {
    const ledger = await demo('--kill-receiver')
    expect(ledger).toMatchObject({ isClosed: true, difference: 0 })
    expect(ledger.missingAtKill).toBeGreaterThan(0)
    expect(ledger.offered).toBe(ledger.delivered + ledger.dropped + ledger.lost + ledger.missingAtKill)
    expect(ledger.file.length).toBe(ledger.delivered)
  })

  it('is plain where it is piped: a line a second, a table, a verdict', async () => {
    const { code, stdout } = await run(['demo', '--seconds', '2', '--threads', '1'])
    const text = String(stdout)
    expect(code).toBe(0)
    expect(text).not.toContain('\u001b')
    expect(text.match(/^ +\d\.\d s {2}offered /gm)?.length).toBeGreaterThanOrEqual(1)
    expect(text).toMatch(/offered by 1 thread +[\d,]+\n[\s\S]*left over +0\n/)
    expect(text).toMatch(
      /\nledger closed: [\d,]+ offered = [\d,]+ delivered \+ [\d,]+ dropped \+ [\d,]+ lost on the network\n$/,
    )
  })

  it('is NDJSON when that is asked for', async () => {
    const { stdout } = await run(['demo', '--seconds', '2', '--json', '--threads', '2'])
    const kinds = String(stdout)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).kind)
    expect(kinds[0]).toBe('start')
    expect(kinds.at(-1)).toBe('ledger')
    expect(kinds.slice(1, -1).every((kind) => kind === 'stats')).toBe(true)
    expect(kinds.length).toBeGreaterThanOrEqual(3)
  })

  it('goes on to its end when nobody reads any more', async () => {
    const command = new RunningCommand(['demo', '--seconds', '1', '--json'])
    await once(command.child.stdout!, 'data')
    command.child.stdout!.destroy()
    expect(await command.ended).toMatchObject({ code: 0, stderr: '' })
  })

  it('closes what there is when it is interrupted, and leaves nothing behind', async () => {
    const command = new RunningCommand(['demo', '--seconds', '600', '--json'], { TMPDIR: folder })
    let text = ''
    await new Promise<void>((resolve) => {
      command.child.stdout!.on('data', (chunk) => {
        text += chunk
        if (text.includes('"kind":"stats"')) resolve()
      })
    })
    expect(readdirSync(folder)).toHaveLength(1)
    command.child.kill('SIGINT')
    const { code, stdout } = await command.ended
    expect(code).toBe(130)
    expect(lastRecord(String(stdout))).toMatchObject({ kind: 'ledger', isClosed: true })
    expect(readdirSync(folder)).toEqual([])
  })
})
