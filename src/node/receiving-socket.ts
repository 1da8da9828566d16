import { createSocket, type Socket, type SocketOptions } from 'node:dgram'
import process from 'node:process'
import type { Endpoint, ReceivingPort, ReceivingSocket, ReceivingSocketOptions } from '../ports.ts'
import { closeQuietly } from './close-quietly.ts'
import { permitNet } from './permission.ts'

/** Linux answers with twice what it was asked for: half of it is for its own books. */
const ANSWERED_FACTOR = process.platform === 'linux' ? 2 : 1

/** Deno keeps the number that it is given, answers with it, and does not tell the system. */
const SETS_BUFFERS = !('Deno' in globalThis)

/** Sockets of `node:dgram`, in all runtimes. Resolves when the socket is bound; from then on nothing that it says is thrown. */
export const receiving: ReceivingPort = {
  bind(options) {
    const { local, reusePort } = options
    const type = local.family === 6 ? 'udp6' : 'udp4'
    return new Promise((resolve, reject) => {
      permitNet(local)
      const socket = createSocket((reusePort ? { type, reusePort } : { type }) as SocketOptions)
      const failed = (error: Error) => {
        closeQuietly(socket)
        reject(error)
      }
      socket.once('error', failed)
      socket.on('message', (bytes, { address, port }) => options.onDatagram(bytes, plain(address), port))
      socket.bind({ address: local.address, port: local.port, exclusive: true }, () => {
        socket.off('error', failed)
        socket.on('error', (error: NodeJS.ErrnoException) => options.onError(error.code ?? 'EOTHER'))
        resolve(new BoundSocket(socket, options))
      })
    })
  },
}

/** A socket for both families has IPv4 addresses in the clothes of IPv6: `::ffff:10.0.0.7`. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

class BoundSocket implements ReceivingSocket {
  readonly address: Endpoint
  readonly recvBufferBytes: number
  readonly #socket: Socket

  constructor(socket: Socket, options: ReceivingSocketOptions) {
    const { address, port } = socket.address()
    this.#socket = socket
    this.address = { address, port, family: options.local.family }
    this.recvBufferBytes = setRecvBuffer(socket, options)
  }

  close(): void {
    closeQuietly(this.#socket)
  }
}

/** Answers what the kernel says that it is now. */
function setRecvBuffer(
  socket: Socket,
  { recvBufferBytes: asked, onWarning }: ReceivingSocketOptions,
): number {
  if (!SETS_BUFFERS) {
    if (asked > 0)
      onWarning('Deno leaves the receive buffer as the system has it: raise net.core.rmem_default')
    return 0
  }
  if (asked > 0) {
    try {
      socket.setRecvBufferSize(asked)
    } catch (error) {
      onWarning(`the receive buffer could not be set to ${asked} bytes: ${(error as Error).message}`)
      return recvBufferOf(socket)
    }
  }
  const answered = recvBufferOf(socket)
  const given = answered / ANSWERED_FACTOR
  if (answered > 0 && given < asked) {
    onWarning(
      `the system gives a receive buffer of ${given} bytes instead of ${asked}: raise net.core.rmem_max for more`,
    )
  }
  return answered
}

function recvBufferOf(socket: Socket): number {
  try {
    return socket.getRecvBufferSize()
  } catch {
    return 0 // this runtime does not say
  }
}
