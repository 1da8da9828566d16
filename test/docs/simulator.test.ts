// The commands of docs/simulator.md and of the README do what is said of them.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  exhibitNamed,
  exhibits,
  replay,
  Session,
  scenarioNamed,
  unpackInstrumented,
} from '../../src/sim/index.ts'
import { gudpTours } from '../../web/sim/gudp/tours.ts'
import { tours } from '../../web/sim/tours.ts'
import { pageOf, root } from '../support/docs-example.ts'

const page = pageOf('docs/simulator.md')
const readme = pageOf('README.md')

/** Runs a command of this package as a user would from the clone; resolves once it has said where the page is. */
async function serving(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await ended
  })
  let output = ''
  for await (const chunk of child.stdout) {
    output += chunk
    const address = /simulator at (http:\S+)\n/.exec(output)?.[1]
    if (address !== undefined) return address
  }
  throw new Error(`it has ended, and said: ${output}`)
}

async function run(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  const [code] = await once(child, 'close')
  expect(code).toBe(0)
  return output
}

/** What stands behind a command in a page, as a shell would split it. */
function argumentsOf(text: string, command: string): string[] {
  const line = text.split('\n').find((one) => one.startsWith(command))
  expect(line, command).toBeDefined()
  const rest = line!.slice(command.length).replace(/ {2,}#.*$| {4,}.*$/, '')
  return [...rest.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)
}

describe('the commands', () => {
  it('serve the page', async () => {
    const address = await serving(['tools/sim.mjs', '--port', '0'])
    const answer = await fetch(address)
    expect(await answer.text()).toContain('<title>spillway simulator</title>')
    for (const [path, type] of [
      ['core.sim.wasm', 'application/wasm'],
      ['main.js', 'text/javascript; charset=utf-8'],
      ['plants/list.json', 'application/json'],
    ] as const) {
      const response = await fetch(new URL(path, address))
      expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
      await response.arrayBuffer()
    }
  })

  it('end at one Ctrl-C, which the terminal sends to the whole group: it is not handed on', async () => {
    const args = ['tools/sim.mjs', '--port', '0']
    const stdio = ['ignore', 'pipe', 'inherit'] as const
    const child = spawn(process.execPath, args, { cwd: root, detached: true, stdio: [...stdio] })
    const ended = once(child, 'close')
    let output = ''
    while (!output.includes('Ctrl-C')) output += (await once(child.stdout, 'data'))[0]
    process.kill(child.pid!, 'SIGINT')
    await Promise.race([ended, setTimeout(300)])
    expect(child.exitCode).toBe(null)
    process.kill(-child.pid!, 'SIGINT')
    expect((await ended)[0]).toBe(0)
  })

  it('say what is no flag of theirs', async () => {
    const child = spawn(process.execPath, ['tools/sim.mjs', '--plnt'], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'pipe'],
    })
    let told = ''
    child.stderr.on('data', (chunk) => {
      told += chunk
    })
    const [code] = await once(child, 'close')
    expect([code, told.split('\n')]).toEqual([2, [expect.stringContaining("'--plnt'"), '']])
  })

  it('open a schedule', async () => {
    const [schedule] = argumentsOf(page, 'npx spillway sim ')
    const address = await serving(['dist/cli/index.js', 'sim', schedule!])
    expect(decodeURIComponent(new URL(address).hash)).toBe(`#${schedule}`)
  })

  it('copy the page', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-page-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    expect(page).toContain('npx spillway sim --out ')
    expect(await run(['dist/cli/index.js', 'sim', '--out', join(folder, 'public/simulator')])).toContain(
      'copied to',
    )
    expect(existsSync(join(folder, 'public/simulator/index.html'))).toBe(true)
  })

  it('replay a schedule in the terminal', async () => {
    const args = argumentsOf(page, 'npm run replay -- ')
    const child = spawn(process.execPath, ['tools/replay.mjs', ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    const [code] = await once(child, 'close')
    expect(code).toBe(1) // it does not fail, as it says
    expect(output).toContain('Nothing fails.')
    expect(output).toContain(`npm run sim -- '${args[0]}'`)
  }, 60_000)

  it('open a planted bug where it fails, as the README says', async () => {
    const args = argumentsOf(readme, 'npm run sim -- --plant')
    expect(argumentsOf(readme, 'npm run replay -- --plant')).toEqual(args)
    const address = await serving(['tools/sim.mjs', '--plant', ...args, '--port', '0'])
    const [schedule, plant] = decodeURIComponent(new URL(address).hash.slice(1)).split('&plant=')
    expect(plant).toBe(args[0])
    // What the page fetches is what fails.
    const wasm = await (await fetch(new URL(`plants/${plant}.sim.wasm`, address))).arrayBuffer()
    const core = unpackInstrumented(new Uint8Array(wasm))
    expect(replay(core, scenarioNamed('bell'), schedule!).message).toMatch(/^lost wake-up/)
  }, 60_000)
})

describe('what the page of the docs says', () => {
  it('names every structure and every tour', () => {
    for (const { id } of exhibits) expect(page).toContain(`\`${id}\``)
    for (const { title } of [...tours, ...gudpTours]) expect(page, title).toContain(`*${title}*`)
  })

  it('has a schedule that runs, and a session that does what is shown', () => {
    const core = unpackInstrumented(new Uint8Array(readFileSync(join(root, 'dist/page/core.sim.wasm'))))
    const scenario = exhibitNamed('one-to-one/capacity=2')!
    const session = new Session(core, scenario)
    session.step(0)
    session.finish(1)
    session.kill(0)
    expect(session.run(1000, 'random')).toBeGreaterThan(5)
    session.goTo(12)
    expect([session.position, session.fault]).toEqual([12, undefined])
    const [shown] = /^one-to-one\/\S+$/m.exec(page)!
    const other = new Session(core, scenarioNamed(shown.split(':')[0]!))
    other.load(shown)
    expect(other.position).toBe(20)
  })
})
