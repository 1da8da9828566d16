import { createSocket, type Socket } from 'node:dgram'
import type { DatagramPort, DatagramSocket, DatagramSocketOptions, Sent } from '../ports.ts'
import { closeQuietly } from './close-quietly.ts'
import { permitNet } from './permission.ts'

/** In Deno each `send` is an operation of its own: they overtake one another, and `close` takes back those that are not done. */
const IS_DENO = 'Deno' in globalThis

/** Connected sockets of `node:dgram`: the cheapest way it has (no lookup for each datagram), and the one that hears of refusals. */
export const datagrams: DatagramPort = {
  keepsOrder: !IS_DENO,
  permit(peer) {
    permitNet({ address: peer.family === 6 ? '::' : '0.0.0.0', port: 0 }, peer)
  },
  connect(options) {
    const { peer } = options
    return new Promise((resolve, reject) => {
      datagrams.permit?.(peer)
      const socket = createSocket(peer.family === 6 ? 'udp6' : 'udp4')
      const failed = (error: Error) => {
        closeQuietly(socket)
        reject(error)
      }
      socket.once('error', failed)
      socket.connect(peer.port, peer.address, (error?: Error) => {
        if (error) return failed(error)
        socket.off('error', failed)
        socket.on('error', (problem: NodeJS.ErrnoException) => options.onError(problem.code ?? 'EOTHER'))
        resolve(IS_DENO ? new PatientSocket(socket, options) : new ConnectedSocket(socket, options))
      })
    })
  },
}

class ConnectedSocket implements DatagramSocket {
  readonly sendBufferBytes: number
  readonly localAddress: string
  readonly #socket: Socket

  constructor(socket: Socket, options: DatagramSocketOptions) {
    this.#socket = socket
    socket.unref() // what keeps a program alive is its own; what is on its way to the kernel does all the same
    if (options.sendBufferBytes > 0) setSendBuffer(socket, options)
    this.sendBufferBytes = sendBufferOf(socket)
    const { address, port } = socket.address()
    this.localAddress = `${address}:${port}`
  }

  send(bytes: Uint8Array, sent: Sent): void {
    try {
      this.#socket.send(bytes, sent as (error: Error | null) => void)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const answer = { code: code === 'ERR_SOCKET_DGRAM_NOT_RUNNING' ? 'ECANCELED' : code } // closed meanwhile
      queueMicrotask(() => sent(answer))
    }
  }

  close(): void {
    closeQuietly(this.#socket)
  }
}

/** Closes when everything has been answered for: a last heartbeat would not get out otherwise. */
class PatientSocket extends ConnectedSocket {
  #inHand = 0
  #isClosing = false

  override send(bytes: Uint8Array, sent: Sent): void {
    this.#inHand++
    super.send(bytes, (error) => {
      this.#inHand--
      sent(error)
      if (this.#isClosing) this.close()
    })
  }

  override close(): void {
    this.#isClosing = true
    if (this.#inHand === 0) super.close()
  }
}

function setSendBuffer(socket: Socket, { sendBufferBytes, onWarning }: DatagramSocketOptions): void {
  try {
    socket.setSendBufferSize(sendBufferBytes)
  } catch (error) {
    onWarning(`the send buffer could not be set to ${sendBufferBytes} bytes: ${(error as Error).message}`)
    return
  }
  const bytes = sendBufferOf(socket)
  if (bytes > 0 && bytes < sendBufferBytes) {
    onWarning(
      `the system gives a send buffer of ${bytes} bytes instead of ${sendBufferBytes}: raise net.core.wmem_max for more`,
    )
  }
}

function sendBufferOf(socket: Socket): number {
  try {
    return socket.getSendBufferSize()
  } catch {
    return 0
  }
}
