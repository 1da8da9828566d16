import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSame } from '../../src/net/gudp/bytes.ts'
import {
  type Challenge,
  decodeHandshake,
  encodeAccepted,
  encodeChallenge,
  encodeRefused,
  encodeResponse,
  type Request,
  setHello,
} from '../../src/net/gudp/handshake-datagrams.ts'
import { NoiseHandshake } from '../../src/net/gudp/noise.ts'
import { DEFAULT_PROTOCOL_ID } from '../../src/net/gudp/wire.ts'
import { generateKeyPair, security } from '../../src/node/security.ts'
import { seeded } from '../../src/sim/network/random.ts'
import { newClient, ServerRig, type SideOptions, shake } from '../support/handshake-rig.ts'
import { seededSecurity } from '../support/test-security.ts'

const keys = generateKeyPair()
const secret = security.randomBytes(32)
const ways: [string, SideOptions, SideOptions][] = [
  ['in the clear', {}, {}],
  ['with a secret', { secure: { secret } }, { secure: { secret } }],
  ['with the server’s key', { secure: { publicKey: keys.publicKey } }, { secure: { keyPair: keys } }],
  ['with both', { secure: { secret, publicKey: keys.publicKey } }, { secure: { secret, keyPair: keys } }],
]

/** As far as the RESPONSE that the client sends. */
function toResponse(
  client = newClient(),
  server = new ServerRig(),
  nowMs = 0,
  address = '192.0.2.1',
): Uint8Array {
  client.receive(server.answer(client.next(nowMs).send!, nowMs, address)!, nowMs)
  return client.next(nowMs).send!
}

describe.each(ways)('a handshake %s', (_, clientOptions, serverOptions) => {
  it('ends in one session with the same keys on both sides', () => {
    const server = new ServerRig(serverOptions)
    const client = newClient(clientOptions)
    const result = shake(client, server)
    const accepted = server.accepted[0]!
    expect(server.accepted).toHaveLength(1)
    expect(result).toEqual({
      type: 'established',
      session: accepted.session,
      keys: accepted.keys && { send: accepted.keys.receive, receive: accepted.keys.send },
    })
    expect(accepted.keys !== undefined).toBe(clientOptions.secure !== undefined)
    expect(client.next(0)).toEqual({ atMs: Number.POSITIVE_INFINITY })
    expect(server.handshake.counts).toMatchObject({ challenged: 1, accepted: 1, refused: 0, forged: 0 })
  })

  it('over a network that loses, doubles and reorders ends on both sides or not at all', () => {
    const base = 7000
    let established = 0
    for (let seed = base; seed < base + 125; seed++) {
      const random = seeded(seed)
      const port = seededSecurity(seed)
      const server = new ServerRig({ ...serverOptions, security: port })
      const client = newClient({ ...clientOptions, security: port })
      const loss = random.pick([0, 0.2, 0.5, 0.9])
      const wire: { atMs: number; toServer: boolean; bytes: Uint8Array }[] = []
      const put = (nowMs: number, toServer: boolean, bytes: Uint8Array) => {
        for (let copies = random.chance(0.3) ? 2 : 1; copies > 0; copies--) {
          if (!random.chance(loss)) wire.push({ atMs: nowMs + random.between(1, 900), toServer, bytes })
        }
      }
      const results: unknown[] = []
      let end: string | undefined
      for (let nowMs = 0; nowMs < 8000; nowMs += 10) {
        const { send, failed } = client.next(nowMs)
        if (send !== undefined) put(nowMs, true, send)
        if (failed !== undefined) end = failed
        for (const { toServer, bytes } of wire.filter(({ atMs }) => atMs <= nowMs)) {
          if (toServer) {
            const answer = server.answer(bytes, nowMs)
            if (answer !== undefined) put(nowMs, false, answer)
          } else {
            const received = client.receive(bytes, nowMs)
            if (received.type !== 'established') continue
            results.push(received)
            end = 'established'
            const theirs = server.accepted.find(({ session }) => isSame(session, received.session))
            expect(theirs, `seed ${seed}`).toBeDefined()
            expect(theirs!.keys?.receive, `seed ${seed}`).toEqual(received.keys?.send)
            expect(theirs!.keys?.send, `seed ${seed}`).toEqual(received.keys?.receive)
          }
        }
        for (let i = wire.length - 1; i >= 0; i--) if (wire[i]!.atMs <= nowMs) wire.splice(i, 1)
      }
      expect(results.length, `seed ${seed}`).toBe(end === 'established' ? 1 : 0)
      expect(['established', 'ETIMEDOUT'], `seed ${seed}`).toContain(end)
      // However often it came, a RESPONSE makes one session.
      expect(server.accepted.length, `seed ${seed}`).toBeLessThanOrEqual(1)
      if (loss === 0) expect(end, `seed ${seed}`).toBe('established')
      if (end === 'established') established++
    }
    expect(established).toBeGreaterThan(60)
  })
})

describe('the client', () => {
  it('asks again after 250 ms, doubled up to 2 s, and gives up after 5 s', () => {
    const client = newClient()
    const sent: number[] = []
    let failedMs = 0
    for (let nowMs = 0; failedMs === 0; nowMs = client.next(nowMs).atMs) {
      const next = client.next(nowMs)
      if (next.send !== undefined) sent.push(nowMs)
      if (next.failed !== undefined) failedMs = nowMs
      if (next.failed !== undefined) expect(next.failed).toBe('ETIMEDOUT')
    }
    expect(sent).toEqual([0, 250, 750, 1750, 3750])
    expect(failedMs).toBe(5000)
    expect(client.next(6000)).toEqual({ atMs: Number.POSITIVE_INFINITY })
  })

  it('takes the timeout that it is given', () => {
    const client = newClient({ timeoutMs: 100 })
    expect(client.next(0)).toMatchObject({ atMs: 100 })
    expect(client.next(100).failed).toBe('ETIMEDOUT')
  })

  it('sends RESPONSE at once, then as it did before, and asks for another cookie after 3 s', () => {
    const [client, server] = [newClient({ timeoutMs: 20_000 }), new ServerRig()]
    const challenge = server.answer(client.next(0).send!)!
    expect(client.receive(challenge, 40)).toEqual({ type: 'progress' })
    expect(client.receive(challenge, 41)).toEqual({ type: 'ignored' })
    const types: [number, number][] = []
    for (let nowMs = 40; nowMs < 9000; nowMs++) {
      const { send } = client.next(nowMs)
      if (send !== undefined) types.push([nowMs, send[4]!])
    }
    expect(types).toEqual([
      [40, 3],
      [290, 3],
      [790, 3],
      [1790, 3],
      [3790, 1],
      [5790, 1],
      [7790, 1],
    ])
  })

  it('finds its way when the server has been started anew in between', () => {
    const client = newClient()
    const response = toResponse(client)
    const fresh = new ServerRig()
    expect(fresh.receive(response)).toEqual({ type: 'dropped', why: 'forged' })
    expect(shake(client, fresh, 4000).type).toBe('established')
  })

  it('hears only who repeats its salt', () => {
    const client = newClient()
    const other = { lo: 1, hi: 2 }
    const from = [
      encodeChallenge(DEFAULT_PROTOCOL_ID, other, new Uint8Array(36)),
      encodeAccepted(DEFAULT_PROTOCOL_ID, other, other, new Uint8Array(0)),
      encodeRefused(DEFAULT_PROTOCOL_ID, other, 1),
      client.next(0).send!,
      new Uint8Array(0),
    ]
    for (const bytes of from) expect(client.receive(bytes, 0)).toEqual({ type: 'ignored' })
  })

  it.each(ways.slice(1))(
    '%s is not taken in by an ACCEPTED of somebody else',
    (_, clientOptions, serverOptions) => {
      const [client, server] = [newClient(clientOptions), new ServerRig(serverOptions)]
      const accepted = server.answer(toResponse(client, server))!
      for (let at = 26; at < accepted.length; at++) {
        const changed = accepted.slice()
        changed[at]! ^= 0x10
        expect(client.receive(changed, 0)).toEqual({ type: 'ignored' })
      }
      const { clientSalt } = decodeHandshake(accepted, DEFAULT_PROTOCOL_ID)!
      const bare = encodeAccepted(DEFAULT_PROTOCOL_ID, clientSalt, { lo: 1, hi: 1 }, new Uint8Array(0))
      expect(client.receive(bare, 0)).toEqual({ type: 'ignored' })
      expect(client.forged).toBe(accepted.length - 26 + 1)
      expect(client.receive(accepted, 0).type, 'and the genuine one still counts').toBe('established')
    },
  )
})

describe('the server', () => {
  it('answers a repeated RESPONSE by the same bytes, while its cookie holds', () => {
    const server = new ServerRig({ secure: { secret } })
    const response = toResponse(newClient({ secure: { secret } }), server)
    const first = server.answer(response)
    expect(server.answer(response, 9000)).toEqual(first)
    expect(server.accepted).toHaveLength(1)
    expect(server.receive(response, 11_000)).toEqual({ type: 'dropped', why: 'expired' })
    expect(server.handshake.counts).toMatchObject({ accepted: 1, repeated: 1, expired: 1 })
  })

  it('forgets what it answered when no cookie can hold any more', () => {
    const server = new ServerRig()
    server.receive(toResponse(newClient(), server))
    expect(server.handshake.remembered).toBe(1)
    server.receive(toResponse(newClient({ nowMs: 11_000 }), server, 11_000), 11_000)
    expect(server.handshake.remembered).toBe(1)
  })

  it('takes no second RESPONSE of the same salt that asks for something else', () => {
    const server = new ServerRig({ secure: { secret } })
    const same = { ...security, randomBytes: (length: number) => new Uint8Array(length).fill(7) }
    const one = toResponse(newClient({ secure: { secret }, security: same }), server)
    const other = toResponse(newClient({ secure: { secret }, security: same }), server)
    expect(server.receive(one).type).toBe('accept')
    expect(server.receive(other)).toEqual({ type: 'dropped', why: 'forged' })
    expect(server.receive(one).type).toBe('reply')
  })

  it('and the client take no payload in the key exchange: this version has none', () => {
    const server = new ServerRig({ secure: { secret } })
    const request = newClient({ secure: { secret } }).next(0).send!.slice()
    const noise = { security, pattern: 'NNpsk0', psk: secret, prologue: request.slice(0, 18) } as const
    setHello(request, new NoiseHandshake({ ...noise, isInitiator: true }).write(Uint8Array.of(1))!)
    const { cookie } = decodeHandshake(server.answer(request)!, DEFAULT_PROTOCOL_ID) as Challenge
    const refused = server.answer(encodeResponse(request, cookie))!
    expect(decodeHandshake(refused, DEFAULT_PROTOCOL_ID)).toMatchObject({ type: 'refused', reason: 6 })

    const client = newClient({ secure: { secret } })
    const asked = client.next(0).send!
    const { hello, clientSalt } = decodeHandshake(asked, DEFAULT_PROTOCOL_ID) as Request
    const answering = new NoiseHandshake({ ...noise, isInitiator: false, prologue: asked.slice(0, 18) })
    answering.read(hello)
    const answer = answering.write(Uint8Array.of(1))!
    const accepted = encodeAccepted(DEFAULT_PROTOCOL_ID, clientSalt, { lo: 1, hi: 1 }, answer)
    expect(client.receive(accepted, 0)).toEqual({ type: 'ignored' })
  })

  it('says when a peer has started anew', () => {
    const server = new ServerRig()
    shake(newClient(), server)
    expect(server.accepted[0]!.replaces).toBeUndefined()
    shake(newClient({ nowMs: 60_000 }), server, 60_000)
    expect(server.accepted[1]!.replaces).toEqual(server.accepted[0]!.session)
  })

  it('takes a cookie from no other address', () => {
    const server = new ServerRig()
    const response = toResponse(newClient(), server)
    expect(server.receive(response, 0, '192.0.2.2')).toEqual({ type: 'dropped', why: 'forged' })
    expect(server.receive(response, 0, '192.0.2.1', 4001)).toEqual({ type: 'dropped', why: 'forged' })
    for (const at of [6, 7, 8, 16, 18, 22, 40]) {
      const changed = response.slice()
      changed[at]! ^= 1
      expect(server.receive(changed).type, `byte ${at}`).toBe('dropped')
    }
    expect(server.accepted).toHaveLength(0)
  })

  const reasons: [string, number, SideOptions, SideOptions][] = [
    ['other channels', 3, { channels: ['unreliable'] }, {}],
    ['more channels', 3, { channels: ['reliable', 'unreliable'] }, {}],
    ['a session in the clear where it must be sealed', 4, {}, { secure: { secret } }],
    ['a sealed session where it must not be', 5, { secure: { secret } }, {}],
    ['another secret', 6, { secure: { secret: 'some other secret!' } }, { secure: { secret } }],
    [
      'the key of another server',
      6,
      { secure: { publicKey: generateKeyPair().publicKey } },
      { secure: { keyPair: keys } },
    ],
    [
      'a key alone where there is a secret, too',
      6,
      { secure: { publicKey: keys.publicKey } },
      { secure: { secret, keyPair: keys } },
    ],
    ['a secret where there is a key', 6, { secure: { secret } }, { secure: { keyPair: keys } }],
  ]
  it.each(reasons)('refuses %s, with reason %i', (_, reason, clientOptions, serverOptions) => {
    const [client, server] = [newClient(clientOptions), new ServerRig(serverOptions)]
    expect(shake(client, server)).toEqual({ type: 'refused', reason })
    expect(client.next(0)).toEqual({ atMs: Number.POSITIVE_INFINITY })
    expect(server.accepted).toHaveLength(0)
    expect(server.handshake.counts.refused).toBe(1)
  })

  it('refuses another version by REFUSED, to REQUEST alone', () => {
    const server = new ServerRig()
    const client = newClient()
    const request = client.next(0).send!.slice()
    request[5] = 2
    const refused = server.answer(request)!
    expect(client.receive(refused, 0)).toEqual({ type: 'refused', reason: 2 })
    request[4] = 3
    expect(server.receive(request)).toEqual({ type: 'dropped', why: 'malformed' })
  })

  it('refuses when there is no room, before it computes anything', () => {
    let exchanges = 0
    const counting = {
      ...security,
      x25519KeyPair: () => {
        exchanges++
        return security.x25519KeyPair()
      },
    }
    const server = new ServerRig({ secure: { secret }, security: counting })
    server.room = 0
    expect(shake(newClient({ secure: { secret } }), server)).toEqual({ type: 'refused', reason: 1 })
    expect(exchanges).toBe(0)
    const small = new ServerRig({ limits: { remembered: 1 } })
    expect(shake(newClient(), small).type).toBe('established')
    expect(shake(newClient(), small)).toEqual({ type: 'refused', reason: 1 })
    expect(shake(newClient({ nowMs: 11_000 }), small, 11_000).type).toBe('established')
  })

  it('takes no low-order key of a client', () => {
    const server = new ServerRig({ secure: { secret } })
    const weak = {
      ...security,
      x25519KeyPair: () => ({ ...security.x25519KeyPair(), publicKey: new Uint8Array(32) }),
    }
    expect(shake(newClient({ secure: { secret }, security: weak }), server)).toEqual({
      type: 'refused',
      reason: 6,
    })
  })

  it('limits what is not proven, and what is, by prefix', () => {
    const limit = { perSecond: 1, burst: 3 }
    const server = new ServerRig({ limits: { unprovenPerPrefix: limit } })
    const answered = (address: string) => server.answer(newClient().next(0).send!, 0, address) !== undefined
    expect([1, 2, 3, 4].map((i) => answered(`192.0.2.${i}`))).toEqual([true, true, true, false])
    expect(answered('198.51.100.1')).toBe(true)
    expect(server.handshake.counts.limited).toBe(1)

    const proven = new ServerRig({ limits: { provenPerPrefix: limit } })
    const results = Array.from({ length: 5 }, () => shake(newClient(), proven).type)
    expect(results.filter((type) => type === 'established')).toHaveLength(3)
    // A RESPONSE that comes again costs no key exchange, and is answered all the same.
    const other = new ServerRig({ limits: { provenPerPrefix: { perSecond: 0, burst: 1 } } })
    const response = toResponse(newClient(), other)
    expect([0, 1, 2].map(() => other.answer(response) !== undefined)).toEqual([true, true, true])
  })

  it('sends no more than it got, whatever it gets', () => {
    const server = new ServerRig({ secure: { secret, keyPair: keys } })
    const good = [
      newClient().next(0).send!,
      newClient({ secure: { secret } }).next(0).send!,
      toResponse(newClient({ secure: { secret, publicKey: keys.publicKey } }), server),
      toResponse(newClient(), server),
    ]
    const changes = fc.array(fc.tuple(fc.nat(1199), fc.nat(255)), { maxLength: 5 })
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        changes,
        fc.nat(1300),
        fc.boolean(),
        (which, list, length, isCut) => {
          let bytes = good[which]!.slice()
          for (const [at, value] of list) bytes[at] = value
          if (isCut) {
            const cut = new Uint8Array(length)
            cut.set(bytes.subarray(0, length))
            bytes = cut
          }
          const answer = server.answer(bytes)
          if (answer !== undefined) {
            expect(bytes.length).toBe(1200)
            expect(answer.length).toBeLessThan(80)
          }
        },
      ),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1500 }), (bytes) => {
        expect((server.answer(bytes)?.length ?? 0) <= bytes.length).toBe(true)
      }),
    )
  })

  it('keeps nothing of 10,000 requests from forged addresses', () => {
    const limits = { unproven: { perSecond: 1e6, burst: 1e6 } }
    const server = new ServerRig({ secure: { secret }, limits })
    const request = newClient({ secure: { secret } }).next(0).send!.slice()
    const flood = (round: number) => {
      let challenged = 0
      for (let i = 0; i < 10_000; i++) {
        request[8] = i
        request[9] = i >> 8
        const address = `${10 + round}.${i >> 8}.${i & 255}.1`
        if (server.answer(request, 0, address, 1000 + (i % 60_000)) !== undefined) challenged++
      }
      return challenged
    }
    expect(flood(0)).toBe(10_000)
    gc()
    const before = process.memoryUsage()
    expect(flood(1) + flood(2)).toBe(20_000)
    gc()
    const after = process.memoryUsage()
    expect(server.handshake.remembered).toBe(0)
    // 20,000 of anything kept, were it only a number each, would be more than this.
    expect(after.heapUsed - before.heapUsed).toBeLessThan(150_000)
  })
})

function gc(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) collect()
}
