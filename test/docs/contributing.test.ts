import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { groups } from '../../bench/plan.mjs'
import { plants } from '../../tools/plants.mjs'
import { examplesIn, pageOf, root, runExample } from '../support/docs-example.ts'

const run = promisify(execFile)
const page = pageOf('CONTRIBUTING.md')

async function replay(...args: string[]): Promise<string> {
  const options = { cwd: root, timeout: 200_000, maxBuffer: 2 ** 24 }
  return (await run(process.execPath, ['tools/replay.mjs', ...args], options)).stdout
}

describe('CONTRIBUTING.md', () => {
  it('has a first event that comes out', async () => {
    const [example] = examplesIn(page)
    expect(await runExample(example!)).toEqual({ stdout: '{"event":"hello"}\n', stderr: '' })
  })

  it('says how to see scenarios and planted bugs', async () => {
    const listed = await replay('--list')
    for (const { name } of plants) expect(listed).toContain(`  ${name} `)
  })

  it('says how to see a planted bug, and that is what is seen', async () => {
    const command = /npm run replay -- (--plant \S+ --last \d+)/.exec(page)![1]!
    const shown = await replay(...command.split(' '))
    expect(shown).toContain('a torn record')
    expect(shown).toMatch(/publishRecord i64\.atomic\.store +\d+ tail /)
    const [, schedule] = /^npm run replay -- --plant publish-before-payload '([^']+)'$/m.exec(shown)!
    expect(await replay('--plant', 'publish-before-payload', schedule!)).toContain('a torn record')
  }, 240_000)

  it.each([
    ['sockets', 'drain-before-block', 'hub status'],
    ['gudp', 'signal-kept', 'in waiters'],
  ])(
    'and so it is in the module %s',
    async (_, plant, word) => {
      const shown = await replay('--plant', plant)
      expect(shown).toContain('lost wake-up')
      expect(shown).toContain(word)
    },
    60_000,
  )

  it('names the groups of the bench, as its own page does', () => {
    const names = Object.keys(groups)
    const named = `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
    expect(page).toContain(named)
    expect(pageOf('bench/README.md')).toContain(named)
  })
})
