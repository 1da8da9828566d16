// What the doctor says of each runtime, in that runtime.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ensureRuntime, type RuntimeName, versions } from '../../tools/runtimes.mjs'
import { leftOut } from './left-out.ts'

const entry = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url))

for (const name of ['node', 'deno', 'bun'] as const satisfies RuntimeName[]) {
  describe.skipIf(leftOut.includes(name))(`spillway doctor in ${name} ${versions[name]}`, () => {
    function examine(...args: string[]) {
      const { path, args: runArgs } = ensureRuntime(name)
      return doctor(path, [...runArgs, entry, 'doctor', '--json', '--seconds', '0', ...args])
    }

    test('finds a runtime that spillway runs on, and the whole way through it open', () => {
      const { verdictOf, code, stderr, summary } = examine('127.0.0.1')
      for (const check of ['runtime', 'wasm', 'blocking', 'waking', 'threads'])
        expect(verdictOf(check), `${check} ${stderr}`).toBe('ok')
      expect(code).toBe(summary.exitCode)
    })

    test('says of the target what it can, and no more', () => {
      const { verdictOf } = examine('127.0.0.1:9')
      // Deno never hears of a refusal.
      expect(verdictOf('target')).toBe(name === 'deno' ? 'unknown' : 'problem')
    })
  })
}

describe.skipIf(leftOut.includes('deno'))('spillway doctor in deno', () => {
  test('says that it could not look, where nothing is permitted', () => {
    const { path } = ensureRuntime('deno')
    const { code, verdictOf } = doctor(path, [
      'run',
      '--no-prompt',
      '--no-lock',
      entry,
      'doctor',
      '--json',
      '--seconds',
      '0',
      '127.0.0.1:9',
    ])
    expect(verdictOf('threads')).toBe('problem')
    expect(verdictOf('files')).toBe('unknown')
    expect(code).toBe(3)
  })
})

function doctor(path: string, args: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(path, args, {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: 60_000,
  })
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; check: string; verdict: string; exitCode: number })
  return {
    code: status,
    stderr,
    summary: lines.at(-1)!,
    verdictOf: (check: string) => lines.find((line) => line.check === check)?.verdict,
  }
}
