import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pageOf, root, runExample } from '../support/docs-example.ts'

const page = pageOf('docs/loggers.md')
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

describe('docs/loggers.md', () => {
  it('has an example in each section that shows one, and no other', () => {
    expect(examples.map(({ title }) => title)).toEqual(Object.keys(printed))
    expect(page.match(/```js/g)).toHaveLength(examples.length)
  })

  it.each(examples)('$title: the example runs as it stands', async ({ title, code }) => {
    const { stdout, stderr } = await runExample(code, { libraries: ['pino', 'winston', '@opentelemetry'] })
    expect({ stdout, stderr }).toEqual({ stdout: printed[title], stderr: '' })
  })

  it('names files that are there', () => {
    for (const [, file] of page.matchAll(/\]\((?!http|#)([^)#]+)/g)) readFileSync(join(root, 'docs', file!))
  })
})
