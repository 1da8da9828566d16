// An exporter in the main thread: a burst of events, and the program's end.
import process from 'node:process'
import { UdpExporter } from 'spillway/udp'
import {
  burst,
  LONG_MS,
  oneMore,
  openOptions,
  say,
  sayEnding,
  sleep,
  task,
  throwOnPurpose,
} from './common.mjs'

let exporter

const before = {
  'exit handler from before open': () => process.on('exit', () => oneMore(exporter)),
  'SIGTERM, own one-time handler from before open goes on': () => process.once('SIGTERM', goOn),
  'process.exit while open is pending': () => {
    UdpExporter.open(openOptions)
    sayEnding()
    process.exit(0)
  },
}

const after = {
  return: () => {},
  'return, close awaited': () => exporter.close(),
  'return, close not awaited': () => void exporter.close(),
  'process.exit(0)': () => process.exit(0),
  'exit(3)': () => (globalThis.Deno ?? process).exit(3),
  'throw in a timer': () => void setTimeout(throwOnPurpose),
  'throw after await': throwOnPurpose,
  rejection: () => void Promise.reject(new Error('on purpose')),
  'throw, caught': () => {
    onUncaught(() => oneMore(exporter))
    setTimeout(throwOnPurpose)
  },
  SIGTERM: () => killed('SIGTERM'),
  SIGINT: () => killed('SIGINT'),
  SIGHUP: () => killed('SIGHUP'),
  'SIGTERM, own handler goes on': async () => {
    process.on('SIGTERM', goOn)
    await killed('SIGTERM', 50)
    process.off('SIGTERM', goOn)
  },
  'SIGTERM, own handler goes on until the second': async () => {
    process.once('SIGTERM', goOn)
    await killed('SIGTERM', 50)
    await killed('SIGTERM')
  },
  'SIGTERM, own one-time handler from before open goes on': () => killed('SIGTERM', 50),
  'exit handler from before open': () => {},
  'exit handler from after open': () => {
    process.on('exit', () => say({ isAccepted: oneMore(exporter) }))
    process.exit(3)
  },
}

before[task.end]?.()
exporter = await UdpExporter.open(openOptions)
burst(exporter)
sayEnding()
await after[task.end]()

/** By a signal from the process itself, which is still there for `ms` if it does not die of it. */
async function killed(signal, ms = LONG_MS) {
  process.kill(process.pid, signal)
  await sleep(ms)
}

function goOn() {
  oneMore(exporter)
  process.exitCode = 5
}

function onUncaught(handler) {
  if (!('Deno' in globalThis)) return process.on('uncaughtException', handler)
  globalThis.addEventListener('error', (event) => {
    event.preventDefault()
    handler()
  })
}
