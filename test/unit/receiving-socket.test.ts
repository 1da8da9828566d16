import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { kernelDrops } from '../../src/node/kernel-drops.ts'
import { receiving } from '../../src/node/receiving-socket.ts'
import type { ReceivingSocket, ReceivingSocketOptions } from '../../src/ports.ts'

const local = { address: '127.0.0.1', port: 0, family: 4 } as const

async function bound(
  options: Partial<ReceivingSocketOptions>,
  use: (socket: ReceivingSocket, said: { warnings: string[] }) => Promise<void>,
): Promise<void> {
  const warnings: string[] = []
  const socket = await receiving.bind({
    local,
    recvBufferBytes: 0,
    reusePort: false,
    onDatagram() {},
    onError() {},
    onWarning: (message) => warnings.push(message),
    ...options,
  })
  try {
    await use(socket, { warnings })
  } finally {
    socket.close()
  }
}

describe('a receiving socket', () => {
  it('hands on what comes, from whom', async () => {
    const sender = createSocket('udp4')
    sender.bind(0, '127.0.0.1')
    await once(sender, 'listening')
    const came = new Promise((resolve) => {
      const onDatagram = (bytes: Uint8Array, address: string, port: number) =>
        resolve([Buffer.from(bytes).toString(), address, port])
      void bound({ onDatagram }, async ({ address }) => {
        sender.send('hello', address.port, address.address)
        await came
      })
    })
    expect(await came).toEqual(['hello', '127.0.0.1', sender.address().port])
    sender.close()
  })

  it('says what buffer it has, and warns when it is less than was asked for', async () => {
    await bound({ recvBufferBytes: 65536 }, async (socket, { warnings }) => {
      expect(socket.recvBufferBytes).toBeGreaterThanOrEqual(65536)
      expect(warnings).toEqual([])
    })
    await bound({ recvBufferBytes: 2 ** 30 }, async (socket, { warnings }) => {
      const isGiven = socket.recvBufferBytes >= 2 ** 30
      expect(warnings).toHaveLength(isGiven ? 0 : 1)
      if (!isGiven) expect(warnings[0]).toMatch(/receive buffer .* 1073741824/)
    })
  })

  it('rejects with the code when it cannot be bound', async () => {
    await bound({}, async ({ address }) => {
      await expect(bound({ local: address }, async () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' })
    })
    const foreign = { ...local, address: '192.0.2.1' }
    await expect(bound({ local: foreign }, async () => {})).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
  })

  it('may be closed twice', async () => {
    await bound({}, async (socket) => socket.close())
  })
})

describe.runIf(process.platform === 'linux')('what the kernel had no room for', () => {
  it('is counted by our port', async () => {
    await bound({ recvBufferBytes: 1 }, async ({ address }) => {
      expect(kernelDrops(address.port)).toBe(0)
      const sender = createSocket('udp4')
      sender.connect(address.port, address.address)
      await once(sender, 'connect')
      // In one turn of the loop: nothing is read meanwhile.
      for (let i = 0; i < 100; i++) sender.send(Buffer.alloc(1000))
      expect(kernelDrops(address.port)).toBeGreaterThan(50)
      sender.close()
    })
  })

  it('is not known of a port that nobody has', () => {
    expect(kernelDrops(0)).toBeUndefined()
  })
})
