// What keeps a process or a thread alive, and what does not: whole programs, in every runtime that has processes.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ensureRuntime, type RuntimeName } from '../../tools/runtimes.mjs'
import { socketPrograms } from '../net/sockets/programs.ts'
import { leftOut } from './left-out.ts'

const head = `
import { ManyToOne, OneToOne, Poller, Waiter } from 'spillway'
import { Worker, isMainThread, workerData } from 'node:worker_threads'
const text = (record) => record && new TextDecoder().decode(record)
`

interface Program {
  source: string
  prints: string[]
}

const programs: Record<string, Program> = {
  'a worker that only waits is not taken for done': {
    source: `
      if (isMainThread) {
        const diode = new OneToOne(8)
        new Worker(new URL(import.meta.url), { workerData: diode.handle })
        setTimeout(() => diode.set('hello'), 300)
        setTimeout(() => diode.close(), 400)
      } else {
        const diode = OneToOne.from(workerData)
        for await (const record of new Waiter(diode)) console.log(text(record))
        console.log('over')
        diode.close()
      }`,
    prints: ['hello', 'over'],
  },
  'a program that awaits a record gets it': {
    source: `
      if (isMainThread) {
        const diode = new OneToOne(8)
        new Worker(new URL(import.meta.url), { workerData: diode.handle }).unref()
        console.log(text(await new Waiter(diode).next()))
        console.log(text(await new Poller(diode).next()))
      } else {
        const diode = OneToOne.from(workerData)
        setTimeout(() => diode.set('one'), 200)
        setTimeout(() => diode.set('two'), 300)
        setTimeout(() => {}, 5000)
      }`,
    prints: ['one', 'two'],
  },
  'a ring that is left open keeps nothing alive': {
    source: `
      const diode = new ManyToOne(8)
      diode.set('x')
      console.log(text(diode.tryNext()))
      diode.set('y')
      console.log(text(await new Waiter(diode).next()))`,
    prints: ['x', 'y'],
  },
  'a Waiter after unref() keeps nothing alive': {
    source: `
      const diode = new OneToOne(8)
      new Waiter(diode).unref().next()
      console.log('end of the program')`,
    prints: ['end of the program'],
  },
  'a program ends while its workers write': {
    source: `
      if (isMainThread) {
        const diode = new ManyToOne(8)
        const worker = new Worker(new URL(import.meta.url), { workerData: diode.handle })
        console.log(text(await new Waiter(diode).next()))
        await worker.terminate()
        diode.close()
      } else {
        const diode = ManyToOne.from(workerData)
        const end = Date.now() + 2000
        while (Date.now() < end) diode.set('written')
      }`,
    prints: ['written'],
  },
  ...socketPrograms,
}

const dir = fileURLToPath(new URL('../../build/test/lifetime', import.meta.url))

for (const name of ['node', 'deno', 'bun'] as RuntimeName[]) {
  describe.skipIf(leftOut.includes(name))(name, () => {
    for (const [i, [title, { source, prints }]] of Object.entries(programs).entries()) {
      test(title, () => {
        const { path, args } = ensureRuntime(name)
        mkdirSync(dir, { recursive: true })
        const file = `${dir}/program-${i}.mjs`
        writeFileSync(file, head + source)
        const run = spawnSync(path, [...args, file], {
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
  })
}
