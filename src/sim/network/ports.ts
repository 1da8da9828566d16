import type {
  AddressFamily,
  Clock,
  DatagramPort,
  Ports,
  ReceivingPort,
  Resolver,
  SecurityPort,
  UdpPort,
} from '../../ports.ts'
import type { SimulatedNetwork } from './network.ts'
import { NetworkError } from './network-error.ts'
import { familyOf, textOf } from './place.ts'
import { VirtualClock } from './virtual-clock.ts'

/** What a simulated machine knows beside its network. */
export interface SimulatedPortsOptions {
  /** What names there are, and their addresses. */
  readonly names?: Readonly<Record<string, readonly string[]>>
  /** For what needs cryptography; nothing here has any of its own. */
  readonly security?: SecurityPort
  readonly debug?: (message: string) => void
}

/** What a service is given that runs on a host of a simulated network: datagrams, time, names. No streams, nothing inflated. */
export function simulatedPorts(
  network: SimulatedNetwork,
  hostAddress: string,
  { names = {}, security = noSecurity, debug = () => {} }: SimulatedPortsOptions = {},
): Ports {
  const { clock } = network
  const udp = network.udpPort(hostAddress)
  return {
    clock,
    udp,
    datagrams: sending(udp),
    receiving: receiving(udp),
    resolver: resolver(names),
    security,
    debug,
    streams: { connect: async () => missing('streams'), listen: async () => missing('streams') },
    inflate: () => missing('inflate'),
    changed: (words, index, value) => changed(clock, () => Atomics.load(words, index) !== value),
  }
}

function missing(what: string): never {
  throw new NetworkError('ERR_UNSUPPORTED', `a simulated network has no ${what}`)
}

const noSecurity = new Proxy({} as SecurityPort, {
  get: () => missing('cryptography: give simulatedPorts a security'),
})

/** Looked at whenever something has happened: no other thread writes to the word. */
function changed(clock: Clock, isDone: () => boolean): Promise<void> | undefined {
  if (!(clock instanceof VirtualClock)) return missing('`changed` on another clock than VirtualClock')
  if (isDone()) return undefined
  return new Promise((resolve) => {
    clock.watch(() => {
      const isNow = isDone()
      if (isNow) resolve()
      return isNow
    })
  })
}

function resolver(names: Readonly<Record<string, readonly string[]>>): Resolver {
  return {
    async resolve(host, family) {
      const addresses = familyOf(host) !== undefined ? [host] : Object.hasOwn(names, host) ? names[host]! : []
      const answers = addresses.map((address) => ({ address, family: familyOf(address) as AddressFamily }))
      const wanted = answers.filter((answer) => family === undefined || answer.family === family)
      if (wanted.length === 0) throw new NetworkError('ENOTFOUND', `${host} has no address here`)
      return wanted
    },
  }
}

function sending(udp: UdpPort): DatagramPort {
  return {
    keepsOrder: udp.keepsOrder,
    async connect({ peer, onError }) {
      const { family } = peer
      const any = { family, host: anyAddress(family), port: 0, settings: {} }
      const socket = await udp.open({ ...any, onError, onDatagram: () => {} })
      await socket.connect({ host: peer.address, port: peer.port })
      return {
        sendBufferBytes: 0,
        localAddress: textOf(socket.local),
        send: (bytes, sent) => socket.send(bytes, undefined, sent),
        close: () => socket.close(),
      }
    },
  }
}

function receiving(udp: UdpPort): ReceivingPort {
  return {
    async bind({ local, onDatagram, onError }) {
      const { family, address: host, port } = local
      const socket = await udp.open({ family, host, port, settings: {}, onDatagram, onError })
      return { recvBufferBytes: 0, address: socket.local, close: () => socket.close() }
    },
  }
}

function anyAddress(family: AddressFamily): string {
  return family === 6 ? '::' : '0.0.0.0'
}
