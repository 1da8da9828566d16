// Below the face: the shared memory of a server, as a client that spoils it sees it.
import type { SocketServerHandle } from 'spillway/sockets'
import type { Abi } from '../../../src/core/abi.ts'
import { coreModule } from '../../../src/core/load.ts'
import { type SocketsAbi, type SocketsLayout, socketsModule } from '../../../src/core/sockets-core.ts'

const encoder = new TextEncoder()
type Numbers<T> = { readonly [Name in keyof T]: number }

/** How many granules of the memory are taken. */
export function usedGranules({ memory }: SocketServerHandle): number {
  const { exports } = new WebAssembly.Instance(coreModule(), { env: { memory } })
  return (exports as unknown as Abi).usedGranules()
}

export interface RawChannel {
  readonly address: number
  readonly generation: number
}

/** The channels of a server, and what can be written into them. */
export class RawMemory {
  readonly abi: SocketsAbi
  readonly layout: Numbers<SocketsLayout> & Readonly<Record<string, number>>
  readonly #handle: SocketServerHandle

  constructor(handle: SocketServerHandle) {
    this.#handle = handle
    const { exports } = new WebAssembly.Instance(socketsModule(), { env: { memory: handle.memory } })
    this.abi = exports as unknown as SocketsAbi
    const constants = Object.entries(exports).filter(([, value]) => value instanceof WebAssembly.Global)
    this.layout = Object.fromEntries(
      constants.map(([name, value]) => [name, (value as WebAssembly.Global).value]),
    ) as never
  }

  get view(): DataView {
    return new DataView(this.#handle.memory.buffer)
  }

  /** In the order of their places. */
  channels(): RawChannel[] {
    const hub = this.#handle.address
    const channels = this.view.getUint32(hub + 12, true) // HUB_CHANNELS_OFFSET
    const table = hub + this.layout.HUB_READY_OFFSET! + channels / 8
    const found: RawChannel[] = []
    for (let at = table; at < table + channels * 8; at += 8) {
      const [address, generation] = [this.view.getUint32(at, true), this.view.getUint32(at + 4, true)]
      if (address !== 0) found.push({ address, generation })
    }
    return found
  }

  put32({ address }: RawChannel, offset: number, value: number): void {
    this.view.setUint32(address + offset, value, true)
  }

  put64({ address }: RawChannel, offset: number, value: bigint): void {
    this.view.setBigUint64(address + offset, value, true)
  }

  get32({ address }: RawChannel, offset: number): number {
    return this.view.getUint32(address + offset, true)
  }

  ask({ address, generation }: RawChannel, question: string): void {
    const text = encoder.encode(question)
    new Uint8Array(this.#handle.memory.buffer).set(text, address + this.layout.QUESTION_OFFSET)
    this.abi.channelAsk(address, generation, text.length)
  }

  /** The answer to it, when it is there. */
  answer({ address, generation }: RawChannel): { code?: string } | undefined {
    const bytes = this.abi.channelAnswered(address, generation)
    if (bytes < 0) return undefined
    const from = address + this.layout.ANSWER_OFFSET
    const text = new Uint8Array(this.#handle.memory.buffer).slice(from, from + bytes)
    return JSON.parse(new TextDecoder().decode(text))
  }
}
