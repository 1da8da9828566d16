import { describe, expect, it } from 'vitest'
import { channelBits } from '../../src/net/gudp/channels.ts'
import { refusalError } from '../../src/net/gudp/client-handshake.ts'
import { clientSecurity, type SecureOptions, serverSecurity } from '../../src/net/gudp/secure-options.ts'
import { generateKeyPair, security } from '../../src/node/security.ts'
import { codeOf } from '../support/code-of.ts'
import { lowOrderKeys, toHex } from '../support/test-security.ts'

const client = (secure: unknown) => clientSecurity(secure as SecureOptions, security)
const server = (secure: unknown) => serverSecurity(secure as SecureOptions, security)
const secret = 'correct horse battery staple'

describe('the option secure', () => {
  it('is off unless asked for', () => {
    expect([client(undefined), client(false), server(undefined), server(false)]).toEqual(
      Array(4).fill(undefined),
    )
  })

  it('decides the pattern by what each side is given', () => {
    const { publicKey, privateKey } = generateKeyPair()
    const keyPair = { publicKey, privateKey }
    expect(
      [client({ secret }), client({ publicKey }), client({ secret, publicKey })].map((s) => s?.pattern),
    ).toEqual(['NNpsk0', 'NK', 'NKpsk0'])
    expect(
      [server({ secret }), server({ keyPair }), server({ secret, keyPair })].map((s) => s?.pattern),
    ).toEqual(['NNpsk0', 'NK', 'NKpsk0'])
    expect(server({ keyPair: { privateKey } })?.keyPair?.publicKey).toEqual(client({ publicKey })?.serverKey)
  })

  it('makes 32 bytes of any secret, the same on both sides, and another than its plain hash', () => {
    const psks = [
      client({ secret }),
      server({ secret }),
      client({ secret: new TextEncoder().encode(secret) }),
    ]
    expect(new Set(psks.map((settings) => toHex(settings!.psk!))).size).toBe(1)
    expect(psks[0]!.psk).toHaveLength(32)
    expect(psks[0]!.psk).not.toEqual(security.sha256(new TextEncoder().encode(secret)))
    const whole = security.randomBytes(32)
    expect(client({ secret: whole })!.psk).toEqual(whole)
    const text = 'x'.repeat(32)
    expect(client({ secret: text })!.psk).not.toEqual(new TextEncoder().encode(text))
  })

  it('takes keys as bytes, base64, base64url and hex', () => {
    const raw = security.x25519KeyPair().publicKey
    const base64 = Buffer.from(raw).toString('base64')
    const forms = [raw, base64, base64.replace('=', ''), Buffer.from(raw).toString('base64url'), toHex(raw)]
    for (const publicKey of forms) expect(client({ publicKey })?.serverKey).toEqual(raw)
  })

  it('refuses what keeps nobody out, and says what to do', () => {
    const { publicKey, privateKey } = generateKeyPair()
    const other = generateKeyPair().publicKey
    const wrong: [() => unknown, RegExp][] = [
      [() => client(true), /secret.*keyPair.*publicKey/],
      [() => server(true), /secret.*keyPair.*publicKey/],
      [() => client({}), /secret.*keyPair.*publicKey/],
      [() => server({}), /secret.*keyPair.*publicKey/],
      [() => client({ secret: 'fifteen bytes..' }), /at least 16/],
      [() => client({ secret: new Uint8Array(15) }), /at least 16/],
      [() => client({ secret: 2 ** 60 }), /string or a Uint8Array/],
      [() => client({ publicKey, keyPair: { privateKey } }), /publicKey/],
      [() => server({ publicKey }), /keyPair/],
      [() => server({ keyPair: { privateKey, publicKey: other } }), /not that of the private/],
      [() => client({ publicKey: 'nonsense' }), /32 bytes/],
      [() => client({ publicKey: new Uint8Array(31) }), /32 bytes/],
      [() => client({ publicKey: undefined, secret: undefined }), /secret/],
      [() => client('yes'), /secure takes/],
      ...lowOrderKeys.map((key): [() => unknown, RegExp] => [
        () => client({ publicKey: key }),
        /generateKeyPair/,
      ]),
    ]
    for (const [call, message] of wrong) {
      expect(codeOf(call)).toBe('ERR_INVALID_ARGUMENT')
      expect(call).toThrow(message)
    }
  })
})

describe('channels', () => {
  it('are counted and told by kind', () => {
    expect(channelBits([])).toEqual({ channels: 0, kinds: 0 })
    expect(channelBits(['reliable', 'unreliable', 'reliable'])).toEqual({ channels: 3, kinds: 5 })
    expect(channelBits(Array(15).fill('reliable'))).toEqual({ channels: 15, kinds: 0x7fff })
    for (const wrong of [Array(16).fill('reliable'), ['ordered'], 'reliable', undefined]) {
      expect(codeOf(() => channelBits(wrong as never))).toBe('ERR_INVALID_ARGUMENT')
    }
  })
})

describe('a refusal', () => {
  it('has a code and advice, also one of a later version', () => {
    const codes = [1, 2, 3, 4, 5, 6, 99].map((reason) => refusalError(reason).code)
    expect(codes).toEqual([
      'ECONNREFUSED',
      'EPROTONOSUPPORT',
      'EPROTO',
      'EACCES',
      'EPROTO',
      'EACCES',
      'ECONNREFUSED',
    ])
  })
})
