/**
 * The I/O thread: a host of services over one port. Bundled by the build into a single file, which travels inside the package
 * as a string, so that users' bundlers have nothing to find.
 */
import { parentPort, workerData } from 'node:worker_threads'
import './thread-host.ts'
import type { SpillwayError } from '../core/errors.ts'
import { useModule } from '../core/load.ts'
import type { Service } from '../net/io-service.ts'
import type { ErrorNote, FromIoThread, IoWorkerData, ToIoThread } from './io-protocol.ts'
import { nodePorts } from './ports.ts'
import { openService } from './services.ts'

useModule((workerData as IoWorkerData).spillwayIo.wasm)

type OpenMessage = Extract<ToIoThread, { kind: 'open' }>

const port = parentPort!
const services = new Map<number, Promise<Service>>()

function answer(message: FromIoThread): void {
  port.postMessage(message)
}

function noteOf(error: unknown): ErrorNote {
  const { code, message } = error as SpillwayError
  return { code: String(code ?? 'ERR_INTERNAL'), message: String(message ?? error) }
}

async function open({ id, name, options, debug }: OpenMessage): Promise<void> {
  const context = {
    ports: nodePorts(debug ? (text) => answer({ kind: 'debug', id, text }) : undefined),
    post: (message: unknown) => answer({ kind: 'message', id, message }),
  }
  const opening = (async () => openService(name, options, context))()
  services.set(id, opening)
  try {
    await opening
    answer({ kind: 'opened', id })
  } catch (error) {
    services.delete(id)
    answer({ kind: 'failed', id, error: noteOf(error) })
  }
}

async function close(id: number): Promise<void> {
  const service = services.get(id)
  services.delete(id)
  await (await service)?.close()
  answer({ kind: 'closed', id })
}

port.on('message', (message: ToIoThread) => {
  if (message.kind === 'open') void open(message)
  else if (message.kind === 'close') void close(message.id)
  else void services.get(message.id)?.then((service) => service.receive(message.message))
})
