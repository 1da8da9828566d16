// docs/browser.md quotes the examples, which the runtimes tests build and visit; what it does not quote is run here.
import { describe, expect, it } from 'vitest'
import { pageOf, runExample } from '../support/docs-example.ts'

const page = pageOf('docs/browser.md')
const blocks = [...page.matchAll(/```[jt]s\n([\s\S]*?)```/g)].map(([, code]) => code!)
const quoted = blocks.flatMap((code) => {
  const [, path, quote] = /^\/\/ (examples\/\S+)\n([\s\S]*)/.exec(code) ?? []
  return path === undefined ? [] : [{ path, quote: quote! }]
})
const own = blocks.filter((code) => !code.startsWith('// examples/'))

const flush = (code: string) => code.replace(/^ +/gm, '')

describe('docs/browser.md', () => {
  it.each(quoted)('quotes $path as it is', ({ path, quote }) => {
    expect(flush(pageOf(path))).toContain(flush(quote))
  })

  it('has a middleware that sends what the isolated example sends', async () => {
    expect(own).toHaveLength(1)
    const call = `
      const headers = {}
      isolate({}, { setHeader: (name, value) => { headers[name] = value } }, () => console.log(JSON.stringify(headers)))`
    const { stdout } = await runExample(own[0]! + call)
    const sent = Object.entries(JSON.parse(stdout))
    expect(sent).toHaveLength(2)
    for (const [name, value] of sent) {
      expect(pageOf('examples/browser/isolated/vite.config.mjs')).toContain(`'${name}': '${value}'`)
      for (const path of ['docs/browser.md', 'examples/browser/README.md'])
        expect(pageOf(path)).toContain(`${name}: ${value}`)
      expect(page).toContain(`add_header ${name} ${value} always;`)
    }
  })

  it('names the policy under which the examples are tested', () => {
    const [, policy] = /const POLICY = "([^"]+)"/.exec(pageOf('test/support/browser-example.ts'))!
    expect(page).toContain(policy)
  })
})
