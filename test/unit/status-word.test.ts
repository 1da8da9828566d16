import { StatusWord } from 'spillway'
import { describe, expect, it } from 'vitest'

describe('StatusWord', () => {
  it('is working until the first failure, which stays its reason', () => {
    const status = StatusWord.create()
    const other = StatusWord.from(status.handle)
    expect(status.setWorking(3)).toBe(true)
    expect([other.working, other.isFinal, other.reason]).toEqual([3, false, undefined])
    expect(other.fail(5)).toBe(true)
    expect(status.fail(2)).toBe(false)
    expect(status.setWorking(1)).toBe(false)
    expect([status.reason, status.has(5), status.has(2), status.has(0), status.working]).toEqual([
      5,
      true,
      true,
      false,
      3,
    ])
    expect(() => status.fail(12)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    status.close()
    status.close()
    expect(other.isFinal).toBe(true)
    const { handle } = other
    other.close()
    expect(() => StatusWord.from(handle)).toThrow(expect.objectContaining({ code: 'ERR_STALE_HANDLE' }))
  })
})
