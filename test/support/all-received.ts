import { createSocket } from 'node:dgram'
import type { UdpReceiver } from './udp-receiver.ts'

const MARK = 'all that was sent before this has been received\n'

/**
 * Until everything that was sent to the receiver, by whomever, has been taken from its socket: datagrams do not overtake one another
 * on loopback, so it is all there when one that is sent now is there.
 */
export async function allReceived(to: UdpReceiver): Promise<void> {
  const socket = createSocket('udp4')
  socket.send(MARK, to.port, '127.0.0.1', () => socket.close())
  while (String(to.datagrams.at(-1)) !== MARK) await to.hasDatagrams(to.datagrams.length + 1)
  to.datagrams.pop()
  to.ports.pop()
}
