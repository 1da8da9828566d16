// What becomes of events when the program ends, in each way it can: docs/exit.md, row by row.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { exitCases, tableRow } from './exit/matrix.ts'
import { testExits } from './exit/run-case.ts'

describe('this Node', () => testExits(() => ({ path: process.execPath, args: [], isDeno: false })))

test('docs/exit.md has these rows and no others', () => {
  const page = readFileSync(new URL('../../docs/exit.md', import.meta.url), 'utf8')
  const rows = page.split('\n').filter((line) => /^\| (?!The program )/.test(line))
  expect(rows).toEqual(exitCases.map(tableRow))
})
