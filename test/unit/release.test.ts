import { describe, expect, it } from 'vitest'
import { notesOf, problemsOf } from '../../tools/release.mjs'

const changelog =
  '# Changelog\n\n## Unreleased\n\n- next\n\n## 0.2.0 (2026-12-01)\n\n- two\n- more\n\n## 0.1.0\n\n- one\n'
const ready = { version: '0.2.0', jsrVersion: '0.2.0', changelog, changed: '', tags: 'v0.1.0\n' }

describe('a release', () => {
  it('has the notes of its version', () => {
    expect(notesOf(changelog, '0.2.0')).toBe('- two\n- more')
    expect(notesOf(changelog, '0.1.0')).toBe('- one')
    expect(notesOf(changelog, '0.3.0')).toBeUndefined()
    expect(problemsOf(ready)).toEqual([])
  })

  it.each([
    [{ jsrVersion: '0.1.0' }, 'make them the same'],
    [{ version: '0.3.0', jsrVersion: '0.3.0' }, 'no notes under "## 0.3.0"'],
    [{ changed: ' M README.md\n' }, 'not committed:\n M README.md'],
    [{ tags: 'v0.1.0\nv0.2.0\n' }, 'v0.2.0 is there already'],
  ])('is not to be made with %j', (change, told) => {
    expect(problemsOf({ ...ready, ...change })).toEqual([expect.stringContaining(told)])
  })
})
