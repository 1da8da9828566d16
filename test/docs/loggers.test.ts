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
import { describe, expect, it, onTestFinished } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs', 'loggers.md'), 'utf8')
const examples = [...page.matchAll(/## ([^\n]*)\n(?:(?!\n## )[\s\S])*?```js\n([\s\S]*?)```/g)].map(
  ([, title, code]) => ({ title: title!, code: code! }),
)

/** What each prints, by the section it stands in. */
const printed: Record<string, string> = {
  'pino, without a worker': '{ lines: 2, dropped: 0 }\n',
  'pino, in its worker': '{ lines: 1000 }\n',
  OpenTelemetry: `{
  body: 'paid',
  severityText: 'INFO',
  attributes: { order: 7 },
  resource: { 'service.name': 'checkout' },
  scope: { name: 'shop' }
}
`,
  winston: '{ lines: 1, dropped: 0 }\n',
}

/** A folder in which `spillway` and the libraries are installed. */
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

describe('docs/loggers.md', () => {
  it('has an example in each section that shows one, and no other', () => {
    expect(examples.map(({ title }) => title)).toEqual(Object.keys(printed))
    expect(page.match(/```js/g)).toHaveLength(examples.length)
  })

  it.each(examples)('$title: the example runs as it stands', async ({ title, code }) => {
    const folder = project()
    writeFileSync(join(folder, 'example.mjs'), code)
    const { stdout, stderr } = await run(process.execPath, ['example.mjs'], { cwd: folder, timeout: 20_000 })
    expect({ stdout, stderr }).toEqual({ stdout: printed[title], stderr: '' })
  })

  it('names files that are there', () => {
    for (const [, file] of page.matchAll(/\]\((?!http|#)([^)#]+)/g)) readFileSync(join(root, 'docs', file!))
  })
})
