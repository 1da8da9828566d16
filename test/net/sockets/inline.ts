// A server on the calling thread. There is no public way to have one, so this is the library below its face, a copy of its own.
import { SocketService } from '../../../src/net/sockets/socket-service.ts'
import { InlineHost } from '../../../src/node/inline-host.ts'
import { SocketClient, SocketServer } from '../../../src/node/sockets.ts'
import type { StreamPort } from '../../../src/ports.ts'

/** With `streams` instead of the system's connections. */
export async function withInlineServer(
  use: (client: SocketClient, server: SocketServer) => Promise<void>,
  streams?: StreamPort,
): Promise<void> {
  const ioThread = new InlineHost((options, { post, ports }) =>
    SocketService.open(options as never, { post, ports: { ...ports, streams: streams ?? ports.streams } }),
  )
  const server = await SocketServer.start({ ioThread })
  const client = SocketClient.init(server.handle)
  try {
    await use(client, server)
  } finally {
    client.close()
    await server.stop()
  }
}
