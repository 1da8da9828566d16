import { describe, expect, it } from 'vitest'
import { type BufferSizes, judgeBuffers, type Measured, RECV_ASKED } from '../../src/cli/doctor/buffers.ts'
import { countNow, judgeDrops } from '../../src/cli/doctor/drops.ts'
import type { Finding } from '../../src/cli/doctor/finding.ts'
import { judgeAddressSpace, judgeFiles, judgeMemory } from '../../src/cli/doctor/limits.ts'
import { parsePlace } from '../../src/cli/doctor/place.ts'
import { judgeRuntime, runtimeOf, wasmFeatures } from '../../src/cli/doctor/runtime.ts'
import type { System } from '../../src/cli/doctor/system.ts'
import {
  interfaceOf,
  judgeAddresses,
  judgeInterface,
  judgeListener,
  judgePath,
  sizesFor,
} from '../../src/cli/doctor/way.ts'
import { checkCollectorOptions } from '../../src/net/collector-options.ts'
import { security } from '../../src/node/security.ts'
import { versions } from '../../tools/runtimes.mjs'
import * as samples from './support/proc-samples.ts'

type Files = Record<string, string>

/** A system that has these files, and these links. */
function systemWith(files: Files, links: Files = {}, platform = 'linux'): System {
  const names = [...Object.keys(files), ...Object.keys(links)]
  return {
    platform,
    read: (path) => files[path],
    link: (path) => links[path],
    list: (path) => [
      ...new Set(
        names
          .filter((name) => name.startsWith(`${path}/`))
          .map((name) => name.slice(path.length + 1).split('/')[0]!),
      ),
    ],
  }
}

const nothing = systemWith({})
const verdicts = (findings: readonly Finding[]) =>
  findings.map(({ check, verdict }) => `${check}: ${verdict}`)

describe('the runtime', () => {
  it('is told by what it says of itself', () => {
    expect(runtimeOf({ versions: { node: '24.0.0', deno: '2.9.6' } })).toEqual({
      name: 'Deno',
      version: '2.9.6',
    })
    expect(runtimeOf({ versions: { node: '24.0.0', bun: '1.4.5' } })).toEqual({
      name: 'Bun',
      version: '1.4.5',
    })
    expect(runtimeOf({ versions: { node: '20.1.0' } })).toEqual({ name: 'Node', version: '20.1.0' })
  })

  it('is one that it runs on, or not', () => {
    const judge = (name: 'Node' | 'Deno' | 'Bun', version: string) =>
      judgeRuntime(name, version, 'linux').verdict
    expect(judge('Node', '20.0.0')).toBe('ok')
    expect(judge('Node', '18.20.4')).toBe('problem')
    expect(judge('Deno', '1.46.3')).toBe('warning')
    expect(judge('Bun', '1.0.0')).toBe('warning')
    expect(judge('Node', '')).toBe('problem')
    // Those that the tests run in are.
    expect([judge('Node', versions.node), judge('Deno', versions.deno), judge('Bun', versions.bun)]).toEqual([
      'ok',
      'ok',
      'ok',
    ])
  })

  it('has the features of Wasm, each with a module that is valid only with it', () => {
    for (const bytes of Object.values(wasmFeatures)) {
      expect(WebAssembly.validate(new Uint8Array(bytes))).toBe(true)
      const unknown = bytes.map((byte) => (byte >= 252 ? 0xf0 : byte)) // an operation that there is not
      expect(WebAssembly.validate(new Uint8Array(unknown))).toBe(false)
    }
  })
})

describe('the buffers', () => {
  const plenty: BufferSizes = { default: 106_496, given: RECV_ASKED }
  const standard: BufferSizes = { default: 106_496, given: 212_992 }
  const judge = (measured: Measured | undefined, files: Files = {}, platform = 'linux') =>
    judgeBuffers(systemWith(files, {}, platform), measured, 'both')

  it('are held against what a collector really asks for', () => {
    expect(checkCollectorOptions({ sink: () => {} }, security).recvBufferBytes).toBe(RECV_ASKED)
    const [recv] = judge({ recv: standard, send: standard })
    expect(recv).toMatchObject({
      check: 'recv-buffer',
      verdict: 'problem',
      figures: { asked: RECV_ASKED, given: 212_992 },
    })
    expect(recv!.says).toContain('4,194,304 bytes, and the system gives 212,992')
    expect(recv!.change).toContain('sysctl -w net.core.rmem_max=4194304')
    expect(judge({ recv: plenty, send: plenty })[0]).toMatchObject({ verdict: 'ok' })
    expect(judge({ recv: plenty, send: plenty })[0]).not.toHaveProperty('change')
  })

  it('of another system are set in another way', () => {
    const changeOn = (platform: string) => judge({ recv: standard, send: standard }, {}, platform)[0]!.change
    expect(changeOn('darwin')).toContain('kern.ipc.maxsockbuf')
    expect(changeOn('win32')).toContain('recvBufferBytes')
  })

  it('of a runtime that sets none are those of the system', () => {
    const path = '/proc/sys/net/core/rmem_default'
    expect(judge(undefined, { [path]: '212992\n' })[0]).toMatchObject({
      verdict: 'problem',
      change: expect.stringContaining('net.core.rmem_default=4194304'),
    })
    expect(judge(undefined, { [path]: '8388608\n' })[0]).toMatchObject({ verdict: 'ok' })
    expect(verdicts(judge(undefined))).toEqual([
      'recv-buffer: unknown',
      'send-buffer: unknown',
      'backlog: unknown',
    ])
  })

  it('to send with hold a datagram of the longest kind', () => {
    const small = { default: 16_384, given: 16_384 }
    expect(judge({ recv: plenty, send: small })[1]).toMatchObject({
      verdict: 'warning',
      change: expect.stringContaining('wmem_default'),
    })
    expect(judge({ recv: plenty, send: plenty })[1]).toMatchObject({ verdict: 'ok' })
  })

  it('have a queue before them', () => {
    const backlog = (packets: string) =>
      judge({ recv: plenty, send: plenty }, { '/proc/sys/net/core/netdev_max_backlog': packets })[2]
    expect(backlog('1000\n')).toMatchObject({ verdict: 'ok', figures: { packets: 1000 } })
    expect(backlog('100\n')).toMatchObject({
      verdict: 'warning',
      change: expect.stringContaining('netdev_max_backlog=10000'),
    })
    expect(backlog('many')).toMatchObject({ verdict: 'unknown' })
  })

  it('are looked at as the role needs them', () => {
    const checks = (role: 'send' | 'collect') =>
      judgeBuffers(nothing, { recv: standard, send: standard }, role).map(({ check }) => check)
    expect(checks('send')).toEqual(['send-buffer'])
    expect(checks('collect')).toEqual(['recv-buffer', 'backlog'])
  })
})

describe('drops', () => {
  const files: Files = {
    '/proc/net/snmp': samples.snmp,
    '/proc/net/snmp6': samples.snmp6,
    '/proc/net/softnet_stat': samples.softnet,
    '/proc/net/udp': samples.udp,
    '/proc/net/udp6': samples.udp6,
    '/proc/77/comm': 'slow-reader\n',
    '/proc/self/comm': 'not a process of its own\n',
  }
  const links = { '/proc/77/fd/0': '/dev/null', '/proc/77/fd/21': 'socket:[1964815]' }
  const judge = (before: Files, after: Files) =>
    judgeDrops(systemWith(after, links), countNow(systemWith(before), 0), countNow(systemWith(after), 1000))

  it('of the past are a warning, each reason by itself', () => {
    expect(verdicts(judge(files, files))).toEqual([
      'udp.RcvbufErrors: warning',
      'udp.SndbufErrors: warning',
      'udp.InCsumErrors: warning',
      'udp.MemErrors: warning',
      'udp.NoPorts: ok',
      'udp.InErrors: warning',
      'udp6: ok',
      'softnet: warning',
      'socket: warning',
      'socket: warning',
    ])
  })

  it('of now are a problem, and told apart from those of the past', () => {
    const now = {
      ...files,
      '/proc/net/snmp': samples.snmp
        .replace('204604 1432700', '204605 1432800')
        .replace(' 1432690 ', ' 1432790 '),
      '/proc/net/softnet_stat': samples.softnet.replace('0000001f', '00000020'),
      '/proc/net/udp': samples.udp.replace(' 1234  ', ' 1334  '),
    }
    const findings = judge(files, now)
    const problems = findings.filter(({ verdict }) => verdict === 'problem')
    expect(verdicts(problems)).toEqual(['udp.RcvbufErrors: problem', 'softnet: problem', 'socket: problem'])
    expect(problems[0]).toMatchObject({ figures: { sinceBoot: 1_432_790, grown: 100 } })
    expect(problems[0]!.says).toContain('100 of them in the last 1.0 s')
    expect(findings.find(({ check }) => check === 'udp.NoPorts')).toMatchObject({
      verdict: 'warning',
      figures: { grown: 1 },
    })
    expect(problems[2]).toMatchObject({ figures: { port: 9999, drops: 1334, grown: 100 } })
  })

  it('name the program whose socket it is, where that can be read', () => {
    const sockets = judge(files, files).filter(({ check }) => check === 'socket')
    expect(sockets[0]).toMatchObject({ figures: { port: 9999, pid: 77, program: 'slow-reader' } })
    expect(sockets[0]!.says).toContain('of slow-reader, pid 77: 1,234 datagrams dropped; 212,736 bytes wait')
    expect(sockets[1]!.says).toContain('whose program is not said here')
  })

  it('of many sockets are named in part, and summed up', () => {
    const [title, line] = samples.udp.split('\n')
    const lines = Array.from({ length: 25 }, (_, i) => line!.replace('1964815', String(i)))
    const many = { '/proc/net/udp': [title, ...lines].join('\n') }
    const sockets = judge(many, many).filter(({ check }) => check === 'socket')
    expect(sockets).toHaveLength(11)
    expect(sockets[10]).toMatchObject({ figures: { sockets: 15, drops: 15 * 1234 } })
  })

  it('ask for more than there is already', () => {
    const rmem = (value: string) => {
      const now = { ...files, '/proc/sys/net/core/rmem_max': value }
      return judge(now, now)[0]!.change
    }
    expect(rmem('212992\n')).toContain('net.core.rmem_max=4194304 ')
    expect(rmem('4194304\n')).toContain('net.core.rmem_max=8388608 ')
  })

  it('are none where there are none, and not said where nothing is said', () => {
    const clean = { '/proc/net/snmp': samples.oldSnmp, '/proc/net/udp': samples.udp.replace('1234  ', '0  ') }
    expect(verdicts(judge(clean, clean))).toEqual([
      'udp: ok',
      'udp6: unknown',
      'softnet: unknown',
      'socket: ok',
    ])
    expect(verdicts(judge({}, {}))).toEqual([
      'udp: unknown',
      'udp6: unknown',
      'softnet: unknown',
      'socket: unknown',
    ])
  })
})

describe('limits', () => {
  it('of open files', () => {
    expect(judgeFiles(systemWith({ '/proc/self/limits': samples.limits }))).toMatchObject({ verdict: 'ok' })
    const few = samples.limits.replace('1024 ', '64   ')
    expect(judgeFiles(systemWith({ '/proc/self/limits': few }))).toMatchObject({
      verdict: 'warning',
      change: expect.stringContaining('ulimit -n 4096'),
      figures: { soft: 64, hard: 524_288 },
    })
    expect(judgeFiles(nothing)).toMatchObject({ verdict: 'unknown' })
  })

  it('of memory: the least on the way up', () => {
    const v2 = (leaf: string, slice: string) =>
      judgeMemory(
        systemWith({
          '/proc/self/cgroup': samples.cgroupV2,
          '/sys/fs/cgroup/system.slice/collector.service/memory.max': leaf,
          '/sys/fs/cgroup/system.slice/memory.max': slice,
        }),
      )
    expect(v2('max\n', 'max\n')).toMatchObject({ verdict: 'ok', figures: { limit: null } })
    expect(v2('max\n', '67108864\n')).toMatchObject({ verdict: 'warning', figures: { limit: 67_108_864 } })
    expect(v2('1073741824\n', 'max\n')).toMatchObject({ verdict: 'ok', figures: { limit: 2 ** 30 } })
    const v1 = systemWith({
      '/proc/self/cgroup': samples.cgroupV1,
      '/sys/fs/cgroup/memory/docker/752095868da3/memory.limit_in_bytes': '33554432\n',
    })
    expect(judgeMemory(v1)).toMatchObject({ verdict: 'warning', figures: { limit: 33_554_432 } })
    // In a container the path is the host's, and what can be read is at the root.
    const inside = systemWith({
      '/proc/self/cgroup': samples.cgroupV2,
      '/sys/fs/cgroup/memory.max': '50000000',
    })
    expect(judgeMemory(inside)).toMatchObject({ verdict: 'warning', figures: { limit: 50_000_000 } })
    expect(judgeMemory(nothing)).toMatchObject({ verdict: 'unknown' })
  })

  it('of address space', () => {
    expect(judgeAddressSpace(systemWith({ '/proc/self/limits': samples.limits }))).toMatchObject({
      verdict: 'ok',
    })
    const little = samples.limits.replace(/(Max address space +)unlimited/, '$12000000000')
    expect(judgeAddressSpace(systemWith({ '/proc/self/limits': little }))).toMatchObject({
      verdict: 'warning',
    })
    expect(judgeAddressSpace(nothing)).toMatchObject({ verdict: 'unknown' })
  })
})

describe('the target', () => {
  it('is a host, with or without a port', () => {
    expect(parsePlace('collector.example')).toEqual({ host: 'collector.example', port: undefined })
    expect(parsePlace('collector.example:9999')).toEqual({ host: 'collector.example', port: 9999 })
    expect(parsePlace('::1')).toEqual({ host: '::1', port: undefined })
    expect(parsePlace('[fd00::2]')).toEqual({ host: 'fd00::2', port: undefined })
    expect(parsePlace('[fd00::2]:514')).toEqual({ host: 'fd00::2', port: 514 })
    for (const wrong of [
      '',
      'a b',
      'host:',
      'host:x',
      'host:0',
      'host:70000',
      '[::1',
      'udp://host:9',
      '1:2:3',
    ])
      expect(() => parsePlace(wrong), wrong).toThrow()
  })

  it('has addresses, in some time', () => {
    const two = [
      { address: 'fd00::2', family: 6 as const },
      { address: '10.0.0.7', family: 4 as const },
    ]
    expect(judgeAddresses('agent', two, 3)).toMatchObject({
      verdict: 'ok',
      figures: { addresses: ['fd00::2', '10.0.0.7'] },
    })
    expect(judgeAddresses('agent', two, 3).says).toContain('takes the first')
    expect(judgeAddresses('agent', two, 800)).toMatchObject({ verdict: 'warning' })
    expect(judgeAddresses('10.0.0.7', [two[1]!], 1).says).toBe('10.0.0.7 is an address')
  })

  const info = (address: string, internal: boolean) => ({ address, internal }) as never
  const interfaces = {
    lo: [info('127.0.0.1', true), info('::1', true)],
    eth0: [info('192.0.2.2', false), info('fe80::1%eth0', false)],
    gone: undefined,
  }

  it('is reached by an interface: our own addresses by loopback', () => {
    expect(interfaceOf('192.0.2.2', '198.51.100.1', interfaces)).toBe('eth0')
    expect(interfaceOf('fe80::1', 'fe80::9', interfaces)).toBe('eth0')
    expect(interfaceOf('192.0.2.2', '192.0.2.2', interfaces)).toBe('lo')
    expect(interfaceOf('127.0.0.1', '127.0.0.2', interfaces)).toBe('lo')
    expect(interfaceOf('10.9.9.9', '10.9.9.1', interfaces)).toBeUndefined()
    // Where the runtime does not say which of our addresses it is (Deno).
    expect(interfaceOf(undefined, '127.0.0.1', interfaces)).toBe('lo')
    expect(interfaceOf(undefined, '198.51.100.1', interfaces)).toBeUndefined()
  })

  const to4 = { address: '10.0.0.7', family: 4 as const }
  const to6 = { address: 'fd00::7', family: 6 as const }

  it('gets no fragments, or is told of a shorter datagram', () => {
    expect(judgeInterface(to4, { name: 'eth0', mtu: 1500 })).toMatchObject({
      verdict: 'ok',
      figures: { wholeBytes: 1472 },
    })
    expect(judgeInterface(to6, { name: 'eth0', mtu: 1500 })).toMatchObject({
      verdict: 'ok',
      figures: { wholeBytes: 1452 },
    })
    expect(judgeInterface(to4, { name: 'wg0', mtu: 1420 })).toMatchObject({
      verdict: 'problem',
      change: expect.stringContaining('maxDatagramBytes: 1392'),
    })
    expect(judgeInterface(to4, { name: 'en0', mtu: undefined })).toMatchObject({ verdict: 'unknown' })
    expect(judgeInterface(to4, { name: undefined, mtu: undefined })).toMatchObject({ verdict: 'unknown' })
  })

  it('is sent growing datagrams, at most five', () => {
    expect(sizesFor(4, 1500)).toEqual([512, 1400, 1472, 60_000, 65_507])
    expect(sizesFor(6, 9000)).toEqual([512, 1400, 8952, 60_000, 65_527])
    expect(sizesFor(4, 1280)).toEqual([512, 1252, 1400, 60_000, 65_507])
    expect(sizesFor(4, 65_536)).toEqual([512, 1400, 60_000, 65_507])
    expect(sizesFor(4, undefined)).toEqual([512, 1400, 60_000, 65_507])
  })

  /** Those up to `came` were refused by the host, those above `taken` by the system. */
  const probes = (sizes: readonly number[], came: number, taken = 65_507) =>
    sizes
      .filter((bytes, i) => bytes <= taken || (sizes[i - 1] ?? 0) <= taken)
      .map((bytes) => ({ bytes, code: bytes <= taken ? undefined : 'EMSGSIZE', cameThere: bytes <= came }))
  const whole = systemWith({ '/proc/sys/net/ipv4/ip_no_pmtu_disc': '0\n' })
  const path = (mtu: number | undefined, came: number, taken?: number, system = whole) =>
    judgePath(to4, { name: 'eth0', mtu }, probes(sizesFor(4, mtu), came, taken), system)

  it('says which length came there, and which to take', () => {
    expect(path(1500, 65_507)).toMatchObject({
      verdict: 'ok',
      figures: { cameThereBytes: 1472, advisedBytes: 1400 },
    })
    expect(path(1500, 65_507).says).toContain('1,472 bytes came to 10.0.0.7 in one piece')
    expect(path(9000, 65_507)).toMatchObject({
      verdict: 'ok',
      figures: { cameThereBytes: 8972, advisedBytes: 8932 },
    })
    expect(path(65_536, 65_507)).toMatchObject({ verdict: 'ok', figures: { advisedBytes: 60_000 } })
    expect(path(1280, 65_507)).toMatchObject({
      verdict: 'ok',
      figures: { cameThereBytes: 1252, advisedBytes: 1252 },
    })
  })

  it('says what did not come, or was not measured', () => {
    expect(path(1500, 1400)).toMatchObject({
      verdict: 'warning',
      figures: { cameThereBytes: 1400, lostBytes: 1472, advisedBytes: 1400 },
    })
    expect(path(1500, 512)).toMatchObject({
      verdict: 'problem',
      change: expect.stringContaining('maxDatagramBytes: 512'),
    })
    expect(path(1500, 0)).toMatchObject({
      verdict: 'unknown',
      figures: { cameThereBytes: null, advisedBytes: 1400 },
    })
    expect(path(1500, 0).says).toContain('not measured')
    // Where nothing forbids to cut them it is not known whether they were.
    expect(path(1500, 65_507, undefined, nothing).says).toContain('in one piece or in several')
  })

  it('says what this system takes at all', () => {
    const mac = path(undefined, 0, 9216, systemWith({}, {}, 'darwin'))
    expect(mac).toMatchObject({ figures: { takenBytes: 1400, refusedBytes: 60_000 } })
    expect(mac.says).toContain('refuses 60,000 (EMSGSIZE)')
  })

  it('has a listener, or refuses', () => {
    expect(judgeListener(to6, 9999, true)).toMatchObject({
      verdict: 'problem',
      says: expect.stringContaining('[fd00::7]:9999'),
    })
    expect(judgeListener(to4, 9999, false)).toMatchObject({ verdict: 'ok' })
    expect(judgeListener(to4, 9999, undefined)).toMatchObject({ verdict: 'unknown' })
  })
})
