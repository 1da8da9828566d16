// The parts of spillway/sockets that need neither memory nor sockets.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  AddressReader,
  AddressWriter,
  checkAddress,
  familyOf,
  headBytes,
  putHead,
  takeAddress,
} from '../../src/net/sockets/address.ts'
import { codeOf, errnoOf, posixOf, socketError } from '../../src/net/sockets/codes.ts'
import { OptionTable } from '../../src/net/sockets/options.ts'

const thrownBy = (call: () => unknown): string => {
  try {
    call()
  } catch (error) {
    return (error as { code: string }).code
  }
  return 'nothing'
}

describe('the head of a datagram', () => {
  const addresses = fc.oneof(fc.ipV4(), fc.ipV6())

  it('comes back as it was written', () => {
    const writer = new AddressWriter()
    const reader = new AddressReader()
    fc.assert(
      fc.property(addresses, fc.nat(65535), fc.nat(65507), fc.nat(1000), (host, port, payload, at) => {
        const { bytes, family } = writer.textOf(host)!
        const memory = new Uint8Array(at + headBytes(bytes))
        putHead(memory, at, bytes, family, port, payload)
        expect(reader.read(memory, at, headBytes(bytes) + payload)).toBe(true)
        expect([reader.host, reader.port, reader.family, reader.payload]).toEqual([
          host,
          port,
          family,
          payload,
        ])
        expect(reader.payloadAt).toBe(at + headBytes(bytes))
        expect(headBytes(bytes) % 8).toBe(0)
      }),
    )
  })

  it('of hostile bytes is refused, or names what lies inside the item', () => {
    const reader = new AddressReader()
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 200 }), fc.nat(300), (memory, bytes) => {
        if (!reader.read(memory, 0, bytes)) return
        expect(reader.payloadAt + reader.payload).toBe(bytes)
        expect([0, 4, 6]).toContain(reader.family)
        expect(reader.host.length).toBeLessThanOrEqual(63)
      }),
    )
    const head = new Uint8Array(80)
    putHead(head, 0, new Uint8Array(9), 4, 1, 10)
    expect(reader.read(head, 0, 34)).toBe(true)
    for (const [at, value] of [
      [0, 200],
      [1, 5],
      [4, 11],
      [7, 255],
    ] as const) {
      const spoilt = head.slice()
      spoilt[at] = value
      expect(reader.read(spoilt, 0, 34), `byte ${at}`).toBe(false)
    }
    expect(reader.read(head, 0, 7)).toBe(false)
  })

  it('has room for addresses of IP only', () => {
    const writer = new AddressWriter()
    for (const host of ['localhost', '', '1.2.3', 'x'.repeat(100), '1.2.3.4.5', '::g'])
      expect(writer.textOf(host), host).toBeUndefined()
    expect(writer.textOf('::1')?.family).toBe(6)
    for (let i = 0; i < 3000; i++) writer.textOf(`10.0.${i >> 8}.${i & 255}`) // the table is emptied in between
    expect(writer.textOf('10.0.0.1')?.family).toBe(4)
  })
})

describe('addresses of users', () => {
  it('are taken as node:net and node:dgram take them', () => {
    expect(takeAddress([{ host: 'a', port: 1 }, { timeoutMs: 1 }])).toEqual({
      address: { host: 'a', port: 1 },
      options: { timeoutMs: 1 },
    })
    expect(takeAddress([80])).toEqual({ address: { port: 80 }, options: undefined })
    expect(takeAddress([80, { dontWait: true }])).toEqual({
      address: { port: 80 },
      options: { dontWait: true },
    })
    expect(takeAddress([80, 'a', { dontWait: true }])).toEqual({
      address: { port: 80, host: 'a' },
      options: { dontWait: true },
    })
  })

  it('are checked', () => {
    expect(checkAddress(undefined, 4, 'bind', '0.0.0.0')).toEqual({ host: '0.0.0.0', port: 0 })
    expect(checkAddress({ address: '::1', port: 5 }, 6, 'bind', '::')).toEqual({ host: '::1', port: 5 })
    for (const junk of [
      'x',
      5,
      null,
      { port: -1 },
      { port: 65536 },
      { port: 1.5 },
      { host: '' },
      { host: 5 },
    ])
      expect(
        thrownBy(() => checkAddress(junk as never, 4, 'bind', '::')),
        JSON.stringify(junk),
      ).toBe('EINVAL')
    expect(thrownBy(() => checkAddress({ host: '::1' }, 4, 'bind', '::'))).toBe('EAFNOSUPPORT')
    expect(familyOf('localhost')).toBeUndefined()
  })
})

describe('codes', () => {
  it('go through the channel as numbers, and come back', () => {
    for (const code of ['EIO', 'EBADF', 'ECONNREFUSED', 'EPROTO', 'ENODEV'] as const)
      expect(codeOf(errnoOf(code))).toBe(code)
    expect(codeOf(errnoOf('ESOMETHING'))).toBe('EIO')
    for (const junk of [0, -1, 9999]) expect(codeOf(junk)).toBe('EIO')
    expect(codeOf(errnoOf(undefined))).toBe('EIO')
  })

  it('say what to do, and what the system said where it has no name here', () => {
    expect(socketError('ENOTCONN', 'send')).toMatchObject({
      code: 'ENOTCONN',
      message: 'send: connect() it first',
    })
    expect(socketError('ESOMETHING', 'send').message).toContain('ESOMETHING')
    expect(posixOf({ code: 'ERR_SOCKET_BAD_PORT' })).toBe('EINVAL')
    expect(posixOf({ code: 'EAGAIN' })).toBe('EWOULDBLOCK')
    expect(posixOf(new Error('x'))).toBe('EIO')
    expect(posixOf(undefined)).toBe('EIO')
  })
})

describe('options', () => {
  it('are known by both their names, and only on sockets that have them', () => {
    const [udp, tcp] = [new OptionTable(false), new OptionTable(true)]
    expect(udp.named('IPV6_JOIN_GROUP')).toBe('IP_ADD_MEMBERSHIP')
    expect(thrownBy(() => tcp.named('SO_BROADCAST'))).toBe('ENOPROTOOPT')
    expect(thrownBy(() => udp.named('TCP_NODELAY'))).toBe('ENOPROTOOPT')
    for (const junk of ['', 'SO_', 'toString', '__proto__', 'constructor'])
      expect(
        thrownBy(() => udp.named(junk)),
        junk,
      ).toBe('ENOPROTOOPT')
  })

  it('are checked, and say whether the server must be told', () => {
    const udp = new OptionTable(false)
    expect(udp.set('IP_TTL', 5, false)).toBe(false)
    expect(udp.set('IP_TTL', 6, true)).toBe(true)
    expect(udp.set('SO_RCVTIMEO', 6, true)).toBe(false)
    expect(udp.set('SO_RCVBUF', 1 << 20, true)).toBe(true)
    expect(thrownBy(() => udp.set('SO_REUSEADDR', true, true))).toBe('ENOPROTOOPT')
    for (const junk of [0, 256, 1.5, '5', null, Number.NaN])
      expect(thrownBy(() => udp.set('IP_TTL', junk, false))).toBe('EINVAL')
    expect(thrownBy(() => udp.set('IP_ADD_MEMBERSHIP', 'x', false))).toBe('EINVAL')
    const tcp = new OptionTable(true)
    expect(thrownBy(() => tcp.set('SO_RCVBUF', 5000, true))).toBe('ENOPROTOOPT')
    expect(thrownBy(() => tcp.set('SO_LINGER', true, false))).toBe('EINVAL')
    expect(tcp.set('SO_LINGER', 0, true)).toBe(false)
  })

  it('make rings of the next power of two, and go along to where they are needed', () => {
    const table = new OptionTable(false)
    expect([table.sendRing, table.recvRing]).toEqual([131072, 131072])
    table.set('SO_SNDBUF', 1, false)
    table.set('SO_RCVBUF', 5000, false)
    table.set('SO_RCVTIMEO', 5, false)
    table.set('IP_ADD_MEMBERSHIP', { group: '239.0.0.1' }, false)
    expect([table.sendRing, table.recvRing]).toEqual([4096, 8192])
    expect(table.toSettings()).toEqual({ SO_SNDBUF: 1, SO_RCVBUF: 5000 })
    expect(table.takeMemberships()).toEqual([{ IP_ADD_MEMBERSHIP: { group: '239.0.0.1' } }])
    expect(table.takeMemberships()).toEqual([])
    const other = new OptionTable(false)
    other.takeOver({ ...table.all, IP_TTL: 'junk', toString: 1 } as never)
    expect(other.all).toEqual({ SO_SNDBUF: 1, SO_RCVBUF: 5000, SO_RCVTIMEO: 5 })
    other.takeOver(undefined)
  })
})
