// The ends of programs with sockets in this Node; test/runtimes/lifetime.test.ts has them in the others.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { socketPrograms } from './sockets/programs.ts'

const dir = fileURLToPath(new URL('../../build/test/lifetime', import.meta.url))

for (const [i, [title, { source, prints }]] of Object.entries(socketPrograms).entries()) {
  test(title, () => {
    mkdirSync(dir, { recursive: true })
    const file = `${dir}/sockets-${i}.mjs`
    writeFileSync(file, source)
    const run = spawnSync(process.execPath, [file], {
      encoding: 'utf8',
      timeout: 15_000,
      killSignal: 'SIGKILL',
    })
    expect({ output: run.stdout.trim().split('\n'), code: run.status }, run.stderr).toEqual({
      output: prints,
      code: 0,
    })
  })
}
