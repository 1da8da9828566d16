import { describe, expect, it } from 'vitest'
import { systemResolver } from '../../src/node/resolver.ts'

describe('the system resolver', () => {
  it('knows localhost', async () => {
    const answers = await systemResolver.resolve('localhost')
    expect(answers.length).toBeGreaterThan(0)
    for (const { address, family } of answers) expect(address).toBe(family === 6 ? '::1' : '127.0.0.1')
  })

  it('answers in one family only when asked to', async () => {
    expect(await systemResolver.resolve('127.0.0.1', 4)).toEqual([{ address: '127.0.0.1', family: 4 }])
    expect(await systemResolver.resolve('::1', 6)).toEqual([{ address: '::1', family: 6 }])
    for (const { family } of await systemResolver.resolve('localhost', 4)) expect(family).toBe(4)
  })

  it('rejects with the code of the system', async () => {
    await expect(systemResolver.resolve('no-such-host.invalid')).rejects.toMatchObject({
      code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/),
    })
  })

  it('wants a name', async () => {
    for (const host of ['', undefined, 7, null]) {
      await expect(systemResolver.resolve(host as string)).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
      })
    }
  })
})
