import { describe, expect, it } from 'vitest'
import {
  parseCgroups,
  parseLimit,
  parseMemoryLimit,
  parseSnmp,
  parseSnmp6,
  parseSoftnetDrops,
} from '../../src/cli/doctor/proc-texts.ts'
import { parseUdpTable } from '../../src/node/udp-table.ts'
import * as samples from './support/proc-samples.ts'

describe('the texts of /proc', () => {
  it('snmp: the counters of UDP, by their names', () => {
    expect(parseSnmp(samples.snmp)).toMatchObject({ NoPorts: 204_604, RcvbufErrors: 1_432_690, MemErrors: 2 })
    expect(parseSnmp(samples.oldSnmp)).toMatchObject({ InErrors: 0, SndbufErrors: 0 })
    expect(parseSnmp(samples.oldSnmp)).not.toHaveProperty('MemErrors')
  })

  it('snmp6: those of UDP, and not of its neighbours', () => {
    expect(parseSnmp6(samples.snmp6)).toEqual({
      InDatagrams: 22_505,
      NoPorts: 0,
      InErrors: 0,
      OutDatagrams: 22_686,
      RcvbufErrors: 0,
      SndbufErrors: 0,
    })
  })

  it('udp, udp6: a socket a line', () => {
    const [collector, exporter] = parseUdpTable(samples.udp)
    expect(collector).toEqual({
      hexAddress: '0100007F',
      port: 9999,
      waitingBytes: 0x33f00,
      inode: '1964815',
      drops: 1234,
    })
    expect(exporter).toMatchObject({ port: 0xbaeb, drops: 0 })
    expect(parseUdpTable(samples.udp6)).toMatchObject([{ port: 5353, inode: '22222', drops: 5 }])
  })

  it('softnet_stat: drops of all processors', () => {
    expect(parseSoftnetDrops(samples.softnet)).toBe(32)
  })

  it('limits: soft and hard', () => {
    expect(parseLimit(samples.limits, 'Max open files')).toEqual({ soft: 1024, hard: 524_288 })
    const none = Number.POSITIVE_INFINITY
    expect(parseLimit(samples.limits, 'Max address space')).toEqual({ soft: none, hard: none })
    expect(parseLimit(samples.limits, 'Max nothing')).toBeUndefined()
  })

  it('cgroup: of both versions', () => {
    expect(parseCgroups(samples.cgroupV2)).toEqual({
      v2: '/system.slice/collector.service',
      memory: undefined,
    })
    expect(parseCgroups(samples.cgroupV1)).toEqual({ v2: '/', memory: '/docker/752095868da3' })
    expect(parseMemoryLimit('268435456\n')).toBe(268_435_456)
    for (const none of ['max\n', '9223372036854771712\n'])
      expect(parseMemoryLimit(none)).toBe(Number.POSITIVE_INFINITY)
  })

  it('cut off anywhere say less, and nothing that is not there', () => {
    const whole = parseSnmp(samples.snmp)!
    for (let end = 0; end < samples.snmp.length; end++) {
      for (const [name, value] of Object.entries(parseSnmp(samples.snmp.slice(0, end)) ?? {})) {
        expect(Object.keys(whole)).toContain(name)
        expect(String(whole[name])).toMatch(new RegExp(`^${value}`))
      }
    }
    const ports = parseUdpTable(samples.udp).map(({ port }) => port)
    for (let end = 0; end < samples.udp.length; end++) {
      for (const { port } of parseUdpTable(samples.udp.slice(0, end))) expect(ports).toContain(port)
      parseSnmp6(samples.snmp6.slice(0, end))
      parseLimit(samples.limits.slice(0, end), 'Max open files')
      parseCgroups(samples.cgroupV1.slice(0, end))
      parseSoftnetDrops(samples.softnet.slice(0, end))
    }
  })

  it('that are something else say nothing', () => {
    for (const text of ['', '\n', 'Udp:', 'Udp: a b\n', '<html>', '\0\0\0', 'Udp: InErrors\nUdp: many\n']) {
      expect([parseSnmp(text), parseSnmp6(text), parseSoftnetDrops(text)]).toEqual([
        undefined,
        undefined,
        undefined,
      ])
      expect([parseUdpTable(text), parseLimit(text, 'Max open files')]).toEqual([[], undefined])
      expect(parseCgroups(text)).toEqual({ v2: undefined, memory: undefined })
      expect(parseMemoryLimit(text)).toBeUndefined()
    }
  })
})
