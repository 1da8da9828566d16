import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')

describe('the README', () => {
  const examples = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code!)

  it('has examples that run as they stand', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-readme-'))
    try {
      const modules = join(folder, 'node_modules')
      await run('mkdir', [modules])
      symlinkSync(root, join(modules, 'spillway'))
      const outputs = []
      for (const example of examples) {
        writeFileSync(join(folder, 'example.mjs'), example)
        const { stdout } = await run(process.execPath, ['example.mjs'], { cwd: folder, timeout: 20_000 })
        outputs.push(stdout)
      }
      const [exporter, ring, sockets] = outputs
      for (let pid = 1; pid <= 5; pid++) expect(exporter).toContain(`"pid":${pid},`)
      expect(exporter).toContain('{ offered: 5, sent: 5, inRing: 0, inFlight: 0, dropped: 0 }')
      for (let i = 0; i < 5; i++) expect(ring).toContain(`{"event":"process_exec","i":${i}}`)
      expect(ring).toMatch(/offered: 5,[\s\S]*read: 5,/)
      expect(sockets).toBe('hello, with no promise in sight\n')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }, 60_000)

  it('names scripts, files and exports that are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    for (const [, name] of readme.matchAll(/npm run ([\w:]+)/g)) expect(Object.keys(scripts)).toContain(name)
    for (const [, file] of readme.matchAll(/\]\((?!http)([^)#]+)\)/g)) readFileSync(join(root, file!))
  })
})

describe('the examples', () => {
  for (const file of readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.mjs'))) {
    it(`${file} runs and ends with exit code 0`, async () => {
      const args = file === 'diodes-demo.mjs' ? ['--seconds', '1'] : []
      const { stdout } = await run(process.execPath, [join('examples', file), ...args], {
        cwd: root,
        timeout: 30_000,
      })
      expect(stdout.length).toBeGreaterThan(0)
      if (file === 'diodes-demo.mjs') expect(stdout).toContain('The ledger is closed.')
    }, 40_000)
  }

  it('diodes-demo.mjs says what is wrong with an option', async () => {
    const demo = run(process.execPath, ['examples/diodes-demo.mjs', '--seconds', 'x'], { cwd: root })
    await expect(demo).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('--seconds') })
  })
})

describe('the replay command', () => {
  it('finds a planted bug, and replays the schedule that it printed', async () => {
    const replay = (...args: string[]) =>
      run(process.execPath, ['tools/replay.mjs', ...args], { cwd: root, timeout: 60_000, maxBuffer: 2 ** 24 })
    const { stdout } = await replay('--plant', 'wait-without-recheck')
    expect(stdout).toContain('lost wake-up')
    const schedule = /--plant wait-without-recheck '([^']+)'/.exec(stdout)![1]!
    expect((await replay('--plant', 'wait-without-recheck', schedule)).stdout).toContain('lost wake-up')
    // The core as it is does not fail there.
    await expect(replay(schedule)).rejects.toMatchObject({ code: expect.any(Number) })
    expect((await replay('--list')).stdout).toContain('lane-oldest')
  }, 120_000)
})
