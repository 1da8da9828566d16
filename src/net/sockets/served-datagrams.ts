import type { Channel } from '../../core/channel.ts'
import type { AddressFamily, Endpoint, UdpSocket } from '../../ports.ts'
import { AddressReader, AddressWriter, anyAddress, headBytes, putHead } from './address.ts'
import { posixOf } from './codes.ts'
import type { Answer, Question, Settings } from './questions.ts'
import { checkPlace, NOT_SUPPORTED, ServedChannel, type ServerContext } from './served-channel.ts'

/** Datagrams that the kernel has not taken yet, at most. */
const MOST_IN_FLIGHT = 64
/** Datagrams of one socket before it is the others' turn. */
const TURN = 64

/**
 * A UDP socket. Datagrams are sent from where they lie in the ring, several at a time, and given back in their order. What comes when
 * the ring is full is dropped, as the kernel would, and counted.
 */
export class ServedDatagrams extends ServedChannel {
  readonly #reader = new AddressReader()
  readonly #writer = new AddressWriter()
  #socket: UdpSocket | undefined
  #isOpening = false
  #cannotOpen = false
  #isShutForReading = false
  #hasTold = false
  #owesTelling = false
  #sent = 0
  /** How many have been given back: those behind may have been answered already. */
  #given = 0
  readonly #answered = new Set<number>()
  readonly #mostInFlight: number

  constructor(channel: Channel, context: ServerContext) {
    super(channel, context)
    this.#mostInFlight = context.ports.udp.keepsOrder ? MOST_IN_FLIGHT : 1
  }

  protected async ask(question: Question): Promise<Answer> {
    switch (question.op) {
      case 'bind':
        return this.#bind(question.family, question.host, question.port, question.options)
      case 'connect':
        return this.#connect(question)
      case 'disconnect':
        this.#socket?.disconnect()
        return { local: this.#socket?.local } // the system may have taken back a port that it had chosen
      case 'set':
        if (this.#socket === undefined) return { code: 'EINVAL' }
        this.#socket.set(question.options)
        return {}
      default:
        return NOT_SUPPORTED
    }
  }

  async #bind(family: AddressFamily, host: string, port: number, settings: Settings): Promise<Answer> {
    if (this.#socket !== undefined || this.#isOpening) return { code: 'EINVAL' }
    this.#isOpening = true
    try {
      const socket = await this.context.ports.udp.open({
        family,
        ...checkPlace(host, port),
        settings,
        onDatagram: (bytes, address, from) => this.#receive(bytes, address, from),
        onError: (code) => this.fail(code),
      })
      if (this.isGone) {
        socket.close()
        return { code: 'ECANCELED' }
      }
      this.#socket = socket // also of one that was closed meanwhile: what it has sent goes out
      return { local: socket.local }
    } catch (error) {
      this.#cannotOpen = true
      this.fail(posixOf(error)) // for a client that has not asked to be told: it has used the socket without binding it
      throw error
    } finally {
      this.#isOpening = false
    }
  }

  async #connect({ family, host, port, options }: Extract<Question, { op: 'connect' }>): Promise<Answer> {
    if (this.#socket === undefined) {
      const bound = await this.#bind(family, anyAddress(family), 0, options)
      if ('code' in bound) return bound
    }
    const socket = this.#socket!
    const peer: Endpoint = await socket.connect(checkPlace(host, port))
    return { local: socket.local, peer }
  }

  // ---- from the network --------------------------------------------------------------------------------

  #receive(bytes: Uint8Array, host: string, port: number): void {
    const { channel } = this
    if (this.isGone || this.isClosing || this.#isShutForReading) return
    const text = this.#writer.textOf(host)
    if (text === undefined) {
      this.#drop()
      return
    }
    const head = headBytes(text.bytes)
    const at = channel.claim(head + bytes.length)
    if (at < 0) {
      if (at === channel.layout.CORRUPT) {
        this.refuse('EPROTO')
        return
      }
      this.#drop()
      return
    }
    const memory = channel.region.u8
    putHead(memory, at, text.bytes, text.family, port, bytes.length)
    memory.set(bytes, at + head)
    channel.commit(head + bytes.length, this.#tellsNow())
  }

  /** The client is told of the first datagram at once, and then of all that come in the same turn of the loop together. */
  #tellsNow(): boolean {
    this.#owesTelling = this.#hasTold
    if (this.#hasTold) return false
    this.#hasTold = true
    this.context.ports.clock.soon(() => {
      this.#hasTold = false
      if (this.#owesTelling && !this.isGone) this.channel.tell()
    })
    return true
  }

  #drop(): void {
    this.channel.drops++
  }

  // ---- to the network ----------------------------------------------------------------------------------

  protected work(): void {
    const { channel } = this
    const socket = this.#socket
    if (socket === undefined) {
      if (this.#cannotOpen || (this.isClosing && !this.#isOpening)) this.leave()
      return
    }
    for (let turn = 0; turn < TURN && this.#inFlight < this.#mostInFlight; turn++) {
      const at = channel.unpack()
      if (at === channel.layout.CORRUPT) {
        this.refuse('EPROTO')
        return
      }
      if (at < 0) break
      if (!this.#reader.read(channel.region.u8, at, channel.spanBytes)) {
        this.refuse('EPROTO')
        return
      }
      this.#send(socket)
    }
    if (this.isClosing && this.#inFlight === 0) this.#closeIfDone(socket)
  }

  get #inFlight(): number {
    return this.#sent - this.#given
  }

  #send(socket: UdpSocket): void {
    const { payloadAt, payload, family, host, port } = this.#reader
    const number = this.#sent++
    const bytes = this.channel.region.u8.subarray(payloadAt, payloadAt + payload)
    socket.send(bytes, family === 0 ? undefined : { host, port }, (error) => {
      if (error) this.fail(posixOf(error))
      this.#giveBack(number)
    })
  }

  /** In the order in which they were taken, whatever order the answers come in. */
  #giveBack(number: number): void {
    this.#answered.add(number)
    let count = 0
    while (this.#answered.delete(this.#given)) {
      this.#given++
      count++
    }
    if (count === 0 || this.isGone) return
    if (this.channel.repack(count) < 0) {
      this.refuse('EPROTO')
      return
    }
    if (this.#inFlight <= this.#mostInFlight >> 1) this.again()
  }

  protected waits(): number {
    const canSend = this.#socket !== undefined && this.#inFlight < this.#mostInFlight
    return canSend ? this.channel.layout.SENT : 0
  }

  // ---- ends --------------------------------------------------------------------------------------------

  protected override hears(flags: number): void {
    if ((flags & this.channel.layout.CLIENT_SHUT_READ) !== 0) this.#isShutForReading = true
  }

  protected finish(): void {
    const socket = this.#socket
    if (socket !== undefined) this.#closeIfDone(socket)
    else if (!this.#isOpening) this.leave() // else what was sent goes out once it is open
  }

  /** What was sent before it was closed goes out. */
  #closeIfDone(socket: UdpSocket): void {
    if (this.#inFlight > 0 || this.channel.peek() > 0) return
    socket.close()
    this.leave()
  }

  protected destroy(): void {
    this.#socket?.close()
  }
}
