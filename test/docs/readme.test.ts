import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { groups } from '../../bench/plan.mjs'
import { examplesIn, pageOf, root, runExample } from '../support/docs-example.ts'

const run = promisify(execFile)
const readme = pageOf('README.md')

describe('the README', () => {
  it('has an example that runs as it stands, and no more than one', async () => {
    const examples = examplesIn(readme)
    expect(examples).toHaveLength(1)
    expect(examples[0]!.trim().split('\n').length).toBeLessThan(30)
    const { stdout } = await runExample(examples[0]!)
    for (let pid = 1; pid <= 5; pid++) expect(stdout).toContain(`"pid":${pid},`)
    expect(stdout).toContain('{ offered: 5, sent: 5, inRing: 0, inFlight: 0, dropped: 0 }')
  })

  it('keeps the tables of the bench', () => {
    for (const [group, page] of Object.entries(groups)) {
      if (page !== 'README.md') continue
      const table = readme.split(`<!-- bench:${group}:start -->`)[1]?.split(`<!-- bench:${group}:end -->`)[0]
      expect(table, group).toMatch(/^\| {2}\| what \|/m)
    }
  })

  it('names the tarball that npm makes', () => {
    const { name, version } = JSON.parse(pageOf('package.json'))
    expect(readme).toContain(`${name}-${version}.tgz`)
  })
})

describe('the first example of a page', () => {
  /** By a word in it, and what it prints. */
  it.each([
    ['docs/exporter.md', "transport: 'gudp'", /^\{ sent: 5000, dropped: 0, lines: 5000, lost: 0 \}\n$/],
    ['docs/diodes.md', 'ManyToOne', /"i":0\}[\s\S]*"i":4\}[\s\S]*offered: 5,[\s\S]*read: 5,/],
    ['docs/sockets.md', 'isMainThread', /^hello, with no promise in sight\n$/],
    ['docs/gudp.md', 'GudpDaemon', /^a message: it arrives, once and in order\n$/],
  ])('%s runs as it stands', async (page, word, printed) => {
    const example = examplesIn(pageOf(page)).find((code) => code.includes(word))
    expect((await runExample(example!)).stdout).toMatch(printed)
  })
})

describe('the examples', () => {
  /** What some of them must show. */
  const shown: Record<string, string[]> = {
    'diodes-demo.mjs': ['The ledger is closed.'],
    'sync-dns.mjs': ['www.example.test A 192.0.2.81', '2 queries: there was no answer to 1 of them'],
    'sync-http-get.mjs': ['a body of a known length', 'a body in parts'],
    'tcp-echo-poll.mjs': [
      'a client sent 10000000 bytes, and got 10000000 back',
      '4 connections, 11001001 bytes',
    ],
  }

  for (const file of readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.mjs'))) {
    it(`${file} runs and ends with exit code 0`, async () => {
      const args = file === 'diodes-demo.mjs' ? ['--seconds', '1'] : []
      const { stdout } = await run(process.execPath, [join('examples', file), ...args], {
        cwd: root,
        timeout: 30_000,
      })
      expect(stdout.length).toBeGreaterThan(0)
      for (const line of shown[file] ?? []) expect(stdout).toContain(line)
    }, 40_000)
  }

  it.each([
    ['diodes-demo.mjs', ['--seconds', 'x'], '--seconds'],
    ['sync-dns.mjs', ['--type', 'MX'], 'usage: node examples/sync-dns.mjs'],
    ['sync-dns.mjs', ['--server', '127.0.0.1:x'], '--server is host:port, not 127.0.0.1:x'],
    ['sync-http-get.mjs', ['https://127.0.0.1/'], 'usage: node examples/sync-http-get.mjs'],
    ['tcp-echo-poll.mjs', ['--seconds', '0'], 'usage: node examples/tcp-echo-poll.mjs'],
  ])('%s %j says what is wrong', async (file, args, told) => {
    const example = run(process.execPath, [join('examples', file), ...args], { cwd: root })
    await expect(example).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(told) })
  })

  it.each([
    ['sync-dns.mjs', ['no.example.test'], 'there is no no.example.test'],
    ['sync-http-get.mjs', ['http://127.0.0.1:1/'], 'nobody listens there'],
    ['tcp-echo-poll.mjs', ['--port', '70000'], 'port must be an integer'],
  ])('%s %j fails, and says why', async (file, args, told) => {
    const example = run(process.execPath, [join('examples', file), ...args], { cwd: root })
    await expect(example).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(told) })
  })
})

describe('the replay command', () => {
  it('finds a planted bug, and replays the schedule that it printed', async () => {
    const replay = (...args: string[]) =>
      run(process.execPath, ['tools/replay.mjs', ...args], {
        cwd: root,
        timeout: 200_000,
        maxBuffer: 2 ** 24,
      })
    const { stdout } = await replay('--plant', 'wait-without-recheck')
    expect(stdout).toContain('lost wake-up')
    const schedule = /--plant wait-without-recheck '([^']+)'/.exec(stdout)![1]!
    expect((await replay('--plant', 'wait-without-recheck', schedule)).stdout).toContain('lost wake-up')
    // The core as it is does not fail there.
    await expect(replay(schedule)).rejects.toMatchObject({ code: expect.any(Number) })
    expect((await replay('--list')).stdout).toContain('lane-oldest')
  }, 240_000)
})
