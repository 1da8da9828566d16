import { describe, expect, it } from 'vitest'
import { loadCore } from '../support/core.ts'

describe('newlineIn', () => {
  const core = loadCore()
  const token = core.abi.threadJoin(1)

  it('finds the first newline wherever it lies, as indexOf does', () => {
    for (let length = 0; length < 70; length++) {
      for (let from = 0; from <= Math.min(length, 20); from++) {
        for (let at = from; at <= length; at++) {
          const bytes = Buffer.alloc(length + 1, 'x')
          bytes[at] = 10
          if (at + 3 < length) bytes[at + 3] = 10
          core.stage(token, bytes)
          expect(core.abi.newlineIn(token, from, length)).toBe(Math.min(at, length))
        }
      }
    }
  })

  it('refuses what lies outside the scratch', () => {
    const { INVALID, SCRATCH_BYTES } = core.layout
    expect(core.abi.newlineIn(token, 2, 1)).toBe(INVALID)
    expect(core.abi.newlineIn(token, 0, SCRATCH_BYTES + 1)).toBe(INVALID)
    expect(core.abi.newlineIn(token + 128, 0, 1)).toBe(INVALID)
  })
})
