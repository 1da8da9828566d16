// A case's other threads: `start(import.meta.url, 'reader', data)` runs the function of that name that the case's module has in
// `threads`, in a worker. It gets `data` and `say`; what it returns is the thread's `result`.
import { Worker } from 'node:worker_threads'

export function start(caseUrl, role, data) {
  const worker = new Worker(new URL('./thread-entry.mjs', import.meta.url), {
    workerData: { caseUrl, role, data },
  })
  const heard = new Map()
  const waiting = new Map()
  let failure
  const fail = (error) => {
    failure ??= error
    for (const { reject } of waiting.values()) reject(failure)
  }
  worker.on('message', ([word, value]) => {
    heard.set(word, value)
    waiting.get(word)?.resolve(value)
  })
  worker.on('error', fail)
  worker.on('exit', (code) => {
    if (!heard.has('result')) fail(new Error(`the thread '${role}' ended with ${code} and no result`))
  })
  const hears = (word) =>
    new Promise((resolve, reject) => {
      if (heard.has(word)) resolve(heard.get(word))
      else if (failure) reject(failure)
      else waiting.set(word, { resolve, reject })
    })
  return { worker, hears, result: () => hears('result') }
}
