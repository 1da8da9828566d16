import { execFile } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { describeWith } from '../net/programs/program.ts'
import { NatsServer } from '../support/nats-server.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs', 'nats.md'), 'utf8')
const examples = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code!)

/** A folder in which `spillway` and the libraries of the tests are installed. */
function project(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-docs-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  symlinkSync(root, join(modules, 'spillway'))
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  return folder
}

describeWith(['nats-server'], 'docs/nats.md', () => {
  it('has examples that run as they stand: what the first stores the second reads', async () => {
    const server = await NatsServer.start()
    const folder = project()
    const outputs: string[] = []
    for (const example of examples) {
      writeFileSync(join(folder, 'example.mjs'), example)
      const { stdout } = await run(process.execPath, ['example.mjs'], {
        cwd: folder,
        timeout: 20_000,
        env: { ...process.env, NATS_URL: server.url },
      })
      outputs.push(stdout)
    }
    // The metadata line comes first.
    expect(outputs[0]).toBe('{ handed: 1001, failed: 0, dropped: 0, stored: 1001 }\n')
    expect(outputs[1]).toBe('1000 logins\n')
  })
})
