import { BlockList, isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AddressRanges, isLoopback, parseAddress } from '../../src/net/address-ranges.ts'
import { codeOf } from '../support/code-of.ts'

const ipv4 = fc.ipV4()
const ipv6 = fc.ipV6()

describe('address ranges', () => {
  it.each([
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255'], ['9.255.255.255', '11.0.0.0', '::1', 'a00::']],
    ['192.168.1.7', ['192.168.1.7', '::ffff:192.168.1.7'], ['192.168.1.8', '::192.168.1.7']],
    ['0.0.0.0/0', ['1.2.3.4', '255.255.255.255'], ['::1', 'fe80::1']],
    ['10.1.2.128/25', ['10.1.2.128', '10.1.2.255'], ['10.1.2.127', '10.1.3.128']],
    ['fd00::/8', ['fd00::1', 'fdff:ffff::'], ['fc00::1', '253.0.0.1']],
    ['fe80::/10', ['fe80::1%eth0', 'febf::1'], ['fec0::1']],
    ['2001:db8::1', ['2001:0db8:0:0::1', '2001:DB8::1'], ['2001:db8::2']],
    ['::/0', ['::', 'ffff::'], ['1.2.3.4', '::ffff:1.2.3.4']],
    ['::ffff:10.0.0.0/104', ['10.1.2.3', '::ffff:10.1.2.3'], ['11.0.0.1']],
  ])('%s', (range, inside, outside) => {
    const ranges = new AddressRanges([range])
    for (const address of inside) expect(ranges.has(address), address).toBe(true)
    for (const address of outside) expect(ranges.has(address), address).toBe(false)
  })

  it('are several together', () => {
    const ranges = new AddressRanges(['10.0.0.0/8', '::1'])
    expect(['10.9.9.9', '::1', '11.0.0.1'].map((address) => ranges.has(address))).toEqual([true, true, false])
    expect(new AddressRanges([]).has('10.0.0.1')).toBe(false)
  })

  it.each([
    '',
    'localhost',
    '10.0.0',
    '10.0.0.256',
    '10.0.0.1/33',
    '10.0.0.1/-1',
    '10.0.0.1/',
    '10.0.0.1/8/8',
    '10.0.0.1/8x',
    '1.2.3.4::',
    '::1/129',
    ':::',
    '1::2::3',
    '::ffff:10.0.0.0/80',
    'g::1',
    '12345::1',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
  ])('are not: %j', (range) => {
    expect(codeOf(() => new AddressRanges([range]))).toBe('ERR_INVALID_ARGUMENT')
  })

  it("agree with the runtime's own, for all addresses and lengths", () => {
    const check = (family: 'ipv4' | 'ipv6', base: string, bits: number, address: string) => {
      const oracle = new BlockList()
      oracle.addSubnet(base, bits, family)
      expect(new AddressRanges([`${base}/${bits}`]).has(address)).toBe(oracle.check(address, family))
    }
    fc.assert(
      fc.property(ipv4, fc.integer({ min: 0, max: 32 }), ipv4, fc.boolean(), (base, bits, other, isSame) =>
        check('ipv4', base, bits, isSame ? base : other),
      ),
    )
    fc.assert(
      fc.property(
        ipv6.filter((text) => !text.toLowerCase().includes('ffff:')),
        fc.integer({ min: 0, max: 128 }),
        (base, bits) => check('ipv6', base, bits, base),
      ),
    )
  })
})

describe('addresses', () => {
  it('are those that the runtime takes for some, and no others', () => {
    fc.assert(
      fc.property(
        fc.oneof(ipv4, ipv6, fc.string({ unit: fc.constantFrom(...'0159af:./%'), maxLength: 20 })),
        (text) => {
          const hasZone = text.includes('%')
          if (!hasZone) expect(parseAddress(text) !== undefined, text).toBe(isIP(text) !== 0)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('are loopback or not', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].every(isLoopback)).toBe(true)
    expect(['0.0.0.0', '::', '128.0.0.1', '10.0.0.1'].some(isLoopback)).toBe(false)
  })
})
