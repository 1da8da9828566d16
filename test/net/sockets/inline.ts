// A server on the calling thread. There is no public way to have one, so this is the library below its face, a copy of its own.
import { SocketService } from '../../../src/net/sockets/socket-service.ts'
import { InlineHost } from '../../../src/node/inline-host.ts'
import { SocketClient, SocketServer } from '../../../src/node/sockets.ts'

export async function withInlineServer(use: (client: SocketClient) => Promise<void>): Promise<void> {
  const ioThread = new InlineHost((options, context) => SocketService.open(options as never, context))
  const server = await SocketServer.start({ ioThread })
  const client = SocketClient.init(server.handle)
  try {
    await use(client)
  } finally {
    client.close()
    await server.stop()
  }
}
