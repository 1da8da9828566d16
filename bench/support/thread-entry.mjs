// What runs in a worker that `start` of threads.mjs made.
import { parentPort, workerData } from 'node:worker_threads'

const { caseUrl, role, data } = workerData
const { threads } = await import(caseUrl)
const say = (word, value) => parentPort.postMessage([word, value])
say('result', await threads[role](data, say))
