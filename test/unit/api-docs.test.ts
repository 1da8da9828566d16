import { expect, it } from 'vitest'
import { undocumented } from '../../tools/api-docs.mjs'

const at = { filename: 'src/a.ts', line: 7 }
const said = { doc: 'What it is.' }

it('finds entries and exports that nothing is said of, and no others', () => {
  const symbols = [
    { name: 'bare', declarations: [{ kind: 'function', location: at }] },
    { name: 'tagged', declarations: [{ kind: 'class', location: at, jsDoc: {} }] },
    {
      name: 'overloaded',
      declarations: [
        { kind: 'function', location: at },
        { kind: 'function', location: at, jsDoc: said },
      ],
    },
    { name: 'again', declarations: [{ kind: 'reference', location: at }] },
  ]
  expect(undocumented({ 'src/a.ts': { symbols }, 'src/b.ts': { module_doc: said, symbols: [] } })).toEqual([
    'src/a.ts: the entry itself',
    'src/a.ts:7: bare',
    'src/a.ts:7: tagged',
  ])
})
