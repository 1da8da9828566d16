import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { messageOf } from '../../core/errors.ts'
import { systemResolver } from '../../node/resolver.ts'
import { renderEndpoint } from '../endpoint.ts'
import { count } from '../format.ts'
import { type Finding, notSaid } from './finding.ts'
import type { Place } from './place.ts'
import { type Family, probe, type SizeProbe } from './probe.ts'
import { numberIn, type System } from './system.ts'

/** What is in front of the payload: IP and UDP. */
const HEADER_BYTES: Readonly<Record<Family, number>> = { 4: 28, 6: 48 }
const LONGEST: Readonly<Record<Family, number>> = { 4: 65_507, 6: 65_527 }
/** As the exporter has it, and its presets 'jumbo' and 'loopback'. */
const DEFAULT_BYTES = 1400
const JUMBO_BYTES = 8932
const LOOPBACK_BYTES = 60_000

const RESOLVE_MS = 10_000
const SLOW_MS = 500

interface Address {
  readonly address: string
  readonly family: Family
}

/** What there is to say of the way to a receiver. */
export async function lookAtWay(system: System, place: Place): Promise<Finding[]> {
  const { addresses, finding } = await resolveAll(place.host)
  const findings = [finding]
  const [preferred] = addresses
  for (const family of [4, 6] as const) {
    const one = addresses.find((address) => address.family === family)
    if (one !== undefined)
      findings.push(...(await lookAtOne(system, { ...one, port: place.port, isFirst: one === preferred })))
  }
  return findings
}

async function lookAtOne(system: System, to: WayTo): Promise<Finding[]> {
  const { address, family, port } = to
  const linkTo = (localAddress: string | undefined) => linkOf(system, address, localAddress)
  const probed = await probe(to, (localAddress) => sizesFor(family, linkTo(localAddress).mtu))
  if (probed.unreachable !== undefined) return [judgeUnreachable(to, probed.unreachable)]
  const link = linkTo(probed.localAddress)
  return [
    judgeInterface(to, link),
    judgePath(to, link, probed.sizes, system),
    ...(port === undefined ? [] : [judgeListener(to, port, probed.refused)]),
  ]
}

async function resolveAll(host: string): Promise<{ addresses: readonly Address[]; finding: Finding }> {
  const check = 'address'
  const startedMs = performance.now()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${RESOLVE_MS / 1000} s`)), RESOLVE_MS)
  })
  try {
    const addresses = await Promise.race([systemResolver.resolve(host), late])
    const ms = performance.now() - startedMs
    return { addresses, finding: judgeAddresses(host, addresses, ms) }
  } catch (error) {
    const finding: Finding = {
      check,
      verdict: 'problem',
      says: `${host} has no address: ${messageOf(error)}`,
      means: 'An exporter to it does not open (ERR_UNRESOLVED).',
      change: 'give an IP address, or a name that getent hosts knows (Windows: nslookup)',
      couldNotLook: true,
    }
    return { addresses: [], finding }
  } finally {
    clearTimeout(timer)
  }
}

export function judgeAddresses(host: string, addresses: readonly Address[], ms: number): Finding {
  const list = [...new Set(addresses.map(({ address }) => address))]
  const isLiteral = list.length === 1 && list[0] === host
  const first = list.length > 1 ? '; an exporter takes the first' : ''
  const finding = {
    check: 'address',
    says: isLiteral
      ? `${host} is an address`
      : `${host} is ${list.join(', ')} (asked for ${ms.toFixed(0)} ms)${first}`,
    figures: { host, addresses: list, ms },
  }
  if (ms < SLOW_MS) return { ...finding, verdict: 'ok' }
  return {
    ...finding,
    verdict: 'warning',
    means: 'So long UdpExporter.open takes. Later questions are in the background, and hold up nothing.',
    change: 'a name server that is nearer, an entry in the hosts file, or the address itself',
  }
}

interface WayTo extends Address {
  readonly port: number | undefined
  /** The one that an exporter takes. */
  readonly isFirst: boolean
}

/** What datagrams leave this machine by. */
export interface Link {
  readonly name: string | undefined
  readonly mtu: number | undefined
}

function linkOf(system: System, target: string, localAddress: string | undefined): Link {
  const name = interfaceOf(localAddress, target, networkInterfaces())
  return {
    name,
    mtu: name === undefined ? undefined : numberIn(system, `/sys/class/net/${name.replace(/:.*$/, '')}/mtu`),
  }
}

/** The longest datagram that leaves in one piece. */
function wholeBytes(family: Family, mtu: number): number {
  return Math.min(mtu - HEADER_BYTES[family], LONGEST[family])
}

/** Growing: what passes everywhere, the default, what fills a frame, the longest. */
export function sizesFor(family: Family, mtu: number | undefined): number[] {
  const frame = mtu === undefined ? [] : [wholeBytes(family, mtu)]
  return [...new Set([512, DEFAULT_BYTES, ...frame, LOOPBACK_BYTES, LONGEST[family]])].sort((a, b) => a - b)
}

/** The interface that has this address of ours; to ourselves it is the loopback one. */
export function interfaceOf(
  localAddress: string | undefined,
  target: string,
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
): string | undefined {
  const bare = (address: string | undefined) => address?.replace(/%.*$/, '')
  const entries = Object.entries(interfaces).map(([name, infos]) => [name, infos ?? []] as const)
  const isOwn = entries.some(([, infos]) => infos.some(({ address }) => bare(address) === bare(target)))
  const found = isOwn
    ? entries.find(([, infos]) => infos.some(({ internal }) => internal))
    : entries.find(([, infos]) => infos.some(({ address }) => bare(address) === bare(localAddress)))
  return found?.[0]
}

function judgeUnreachable({ address, family, isFirst }: WayTo, code: string): Finding {
  const other = family === 6 ? 4 : 6
  return {
    check: 'route',
    verdict: isFirst ? 'problem' : 'warning',
    says: `there is no way to ${address} (${code})`,
    means: isFirst
      ? 'It is the address that an exporter takes: nothing it sends leaves this machine.'
      : 'It is not the one that an exporter takes.',
    change: `a route for IPv${family} (ip route get ${address}), or family: ${other} for the exporter`,
    figures: { address, code },
  }
}

export function judgeInterface({ address, family }: Address, { name, mtu }: Link): Finding {
  const check = 'interface'
  if (name === undefined) return notSaid(check, `the interface that leads to ${address}`)
  if (mtu === undefined) return notSaid(check, `the MTU of ${name}, which leads to ${address}`)
  const whole = wholeBytes(family, mtu)
  const figures = { address, interface: name, mtu, wholeBytes: whole }
  const says = `to ${address} it goes by ${name}, MTU ${count(mtu)}: up to ${count(whole)} bytes leave in one piece`
  if (whole >= DEFAULT_BYTES) return { check, verdict: 'ok', says, figures }
  return {
    check,
    verdict: 'problem',
    says,
    means: `An exporter sends up to ${DEFAULT_BYTES} bytes: each such datagram goes in fragments, and is lost when one of them is.`,
    change: `maxDatagramBytes: ${whole} (spillway send --max-datagram ${whole})`,
    figures,
  }
}

/** What was measured, what was not, and which length to take. */
export function judgePath(
  { address, family }: Address,
  { mtu }: Link,
  sizes: readonly SizeProbe[],
  system: System,
): Finding {
  const whole = mtu === undefined ? LONGEST[family] : wholeBytes(family, mtu)
  const refusal = sizes.find(({ code }) => code === 'EMSGSIZE')
  const taken = sizes.filter(({ code }) => code === undefined).at(-1)?.bytes ?? 0
  const unfragmented = sizes.filter(({ bytes, code }) => bytes <= whole && code === undefined)
  const came = unfragmented.filter(({ cameThere }) => cameThere).at(-1)?.bytes
  const lost = came === undefined ? undefined : unfragmented.find(({ bytes }) => bytes > came)?.bytes
  const advised = adviseBytes(whole, mtu, came)
  const advice = `maxDatagramBytes: ${advised}${presetFor(advised)}`
  const finding = {
    check: 'path',
    says: `${farSide(address, came, lost, mtu !== undefined && isNeverCut(system, family))}; ${ownSide(taken, refusal?.bytes)}`,
    figures: {
      address,
      takenBytes: taken,
      refusedBytes: refusal?.bytes ?? null,
      cameThereBytes: came ?? null,
      lostBytes: lost ?? null,
      advisedBytes: advised,
    },
  }
  if (lost !== undefined) {
    return {
      ...finding,
      verdict: came! < DEFAULT_BYTES ? 'problem' : 'warning',
      means:
        'It was lost on the way, because it is too long for it or by chance; or the host rations its refusals: look again.',
      change: advice,
    }
  }
  return {
    ...finding,
    verdict: came === undefined ? 'unknown' : 'ok',
    means: `${advice} fits, as far as that says.`,
  }
}

function farSide(
  address: string,
  came: number | undefined,
  lost: number | undefined,
  isWhole: boolean,
): string {
  if (came === undefined)
    return `the path to ${address}: not measured, no refusal came back from a port where nobody listens`
  const more = lost === undefined ? '' : `, to ${count(lost)} there was no answer`
  return `${count(came)} bytes came to ${address}${isWhole ? ' in one piece' : ', in one piece or in several'}${more}`
}

function ownSide(taken: number, refused: number | undefined): string {
  const most = `this system takes up to ${count(taken)} bytes`
  return refused === undefined ? most : `${most}, and refuses ${count(refused)} (EMSGSIZE)`
}

/** Linux lets nobody cut what fits its own MTU; so it is with IPv6, whose routers cut nothing. */
function isNeverCut(system: System, family: Family): boolean {
  return (
    family === 6 ||
    (system.platform === 'linux' && numberIn(system, '/proc/sys/net/ipv4/ip_no_pmtu_disc') === 0)
  )
}

/** The default, unless it is too long, or much longer ones are known to come there. */
function adviseBytes(whole: number, mtu: number | undefined, came: number | undefined): number {
  if (mtu !== undefined && mtu > LOOPBACK_BYTES) return LOOPBACK_BYTES
  if (mtu !== undefined && came !== undefined && came >= JUMBO_BYTES) return JUMBO_BYTES
  return Math.min(DEFAULT_BYTES, whole, came ?? DEFAULT_BYTES)
}

function presetFor(bytes: number): string {
  if (bytes === LOOPBACK_BYTES) return " (preset 'loopback')"
  if (bytes === JUMBO_BYTES) return " (preset 'jumbo')"
  return bytes === DEFAULT_BYTES ? ' (the default)' : ''
}

export function judgeListener({ address }: Address, port: number, refused: boolean | undefined): Finding {
  const check = 'target'
  const where = renderEndpoint(address, port)
  if (refused === undefined) return notSaid(check, `whether somebody listens at ${where}`)
  if (!refused) {
    return {
      check,
      verdict: 'ok',
      says: `${where} refuses nothing: somebody listens, or a firewall is silent`,
      figures: { refused },
    }
  }
  return {
    check,
    verdict: 'problem',
    says: `nobody listens at ${where} (ECONNREFUSED)`,
    means: 'Everything that is sent there is lost; the exporter counts its errors, and goes on.',
    change: `start the receiver (spillway collect --host ${address} --port ${port}), or correct the port; it may listen on another address only`,
    figures: { refused },
  }
}
