// A connection that is never made: what ends the wait for it, and what the socket is then. No network can be relied on to be silent,
// so the connections of this server are scripted.
import type { Socket, SocketClient } from '../../../src/node/sockets.ts'
import type { StreamPort } from '../../../src/ports.ts'
import { deepEqual, equal, rejectsCode, suite, throwsCode, until, within } from '../../support/harness.ts'
import { withInlineServer } from './inline.ts'

const address = { host: '127.0.0.1', port: 9 }

/** Nobody answers; and how often it was given up. */
class Silence implements StreamPort {
  attempts = 0
  given = 0

  connect: StreamPort['connect'] = ({ signal }) => {
    this.attempts++
    return new Promise((_, reject) =>
      signal.addEventListener('abort', () => {
        this.given++
        reject(Object.assign(new Error('given up'), { code: 'ECANCELED' }))
      }),
    )
  }

  listen: StreamPort['listen'] = async () => {
    throw new Error('nobody listens here')
  }
}

/** It goes on: another attempt is too early, nothing can be sent or received, no name is known. */
async function checkUnderWay(client: SocketClient, socket: Socket): Promise<void> {
  await rejectsCode(() => socket.connect(address), 'EALREADY')
  throwsCode(() => socket.sendSync('x', { dontWait: true }), 'EWOULDBLOCK')
  throwsCode(() => socket.recvSync(1, { dontWait: true }), 'EWOULDBLOCK')
  await rejectsCode(() => socket.send('x', { timeoutMs: 5 }), 'ETIMEDOUT')
  await rejectsCode(() => socket.recv(1, { timeoutMs: 5 }), 'ETIMEDOUT')
  throwsCode(() => socket.getPeerName(), 'ENOTCONN')
  throwsCode(() => socket.shutdownSync(), 'ENOTCONN')
  throwsCode(() => socket.detach(), 'EBUSY')
  throwsCode(() => socket.listenSync(), 'EINVAL')
  equal(socket.getOption('SO_ERROR'), 0, 'SO_ERROR')
  deepEqual(await client.poll([{ socket, readable: true, writable: true }], 5), [], 'poll')
}

export const connectingSuite = suite('sockets, connecting', (t) => {
  const test = (name: string, run: (client: SocketClient, silence: Silence) => Promise<void>) => {
    const silence = new Silence()
    t.test(name, () => withInlineServer((client) => run(client, silence), silence))
  }

  test('its time is up, and it goes on behind the scenes', async (client, silence) => {
    const socket = client.socket('tcp4')
    await rejectsCode(() => socket.connect(address, { timeoutMs: 20 }), 'ETIMEDOUT')
    await checkUnderWay(client, socket)
    await socket.close()
    await until(() => silence.given === 1, 'closing gives it up')
    await rejectsCode(() => socket.connect(address), 'EBADF')
    const usual = client.socket('tcp4')
    await usual.setOption('SO_SNDTIMEO', 20)
    await rejectsCode(() => usual.connect(address), 'EWOULDBLOCK', 'SO_SNDTIMEO')
  })

  test('dontWait: EINPROGRESS, blocking or not', async (client, silence) => {
    for (const begin of [
      (socket: Socket) => throwsCode(() => socket.connectSync(address, { dontWait: true }), 'EINPROGRESS'),
      (socket: Socket) => rejectsCode(() => socket.connect(address, { dontWait: true }), 'EINPROGRESS'),
    ]) {
      const socket = client.socket('tcp4')
      await begin(socket)
      await checkUnderWay(client, socket)
      await socket.close()
    }
    equal(silence.attempts, 2, 'attempts')
  })

  test('a signal gives the call up; closing the socket ends it', async (client, silence) => {
    const [signalled, closed] = [client.socket('tcp4'), client.socket('tcp4')]
    const abort = new AbortController()
    const reason = new Error('enough')
    const running = signalled.connect(address, { signal: abort.signal })
    setTimeout(() => abort.abort(reason), 5)
    equal(
      await within(
        running.catch((error) => error),
        'the signal',
      ),
      reason,
      'the reason',
    )
    await checkUnderWay(client, signalled)
    const closing = closed.connect(address)
    const polling = client.poll([{ socket: closed, writable: true }])
    setTimeout(() => closed.closeSync(), 5)
    await within(
      rejectsCode(() => closing, 'EBADF'),
      'connect',
    )
    await within(
      rejectsCode(() => polling, 'EBADF'),
      'poll',
    )
    await until(() => silence.given === 1, 'the attempt is given up')
  })

  const ended = new Silence()
  t.test('the end of the server ends it: ECONNABORTED', () =>
    withInlineServer(async (client, server) => {
      const [socket, polled] = [client.socket('tcp4'), client.socket('tcp4')]
      const connecting = socket.connect(address)
      await rejectsCode(() => polled.connect(address, { dontWait: true }), 'EINPROGRESS')
      const polling = client.poll([{ socket: polled, writable: true }])
      setTimeout(() => server.stop(), 5)
      await within(
        rejectsCode(() => connecting, 'ECONNABORTED'),
        'connect',
      )
      await within(
        rejectsCode(() => polling, 'ECONNABORTED'),
        'poll',
      )
      await until(() => ended.given === 2, 'the attempts are given up')
    }, ended),
  )
})
