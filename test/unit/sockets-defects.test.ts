import { describe, expect, it } from 'vitest'
import {
  bellOf,
  type Handle,
  loadSockets,
  openChannel,
  type Sockets,
  startAt,
  stretches,
  TO_CLIENT,
  TO_SERVER,
} from '../support/sockets.ts'

// What went wrong in the sockets that these were modelled on, step by step, each in the order of events that brought it about. The
// model checker finds the same, by the same names, when it is planted (tools/plants.mjs).

function send(sockets: Sockets, handle: Handle, ring: number, bytes: readonly number[]): number {
  const { abi, core } = sockets
  const place = abi.datagramClaim!(...handle, ring, bytes.length)
  if (place < 0) return place
  core.u8().set(bytes, place)
  return abi.datagramCommit!(...handle, ring, bytes.length, 1)
}

/** The next datagram, given back at once; or why there is none. */
function receive(sockets: Sockets, handle: Handle, ring: number): number[] | number {
  const { abi, core, layout } = sockets
  const token = ring === TO_SERVER ? sockets.server : sockets.client
  const place = abi.datagramUnpack!(...handle, ring, token)
  if (place < 0) return place
  const length = core.u32(core.scratch(token) + layout.MAILBOX_SPAN_OFFSET!)
  const bytes = Array.from(core.u8().subarray(place, place + length))
  expect(abi.datagramRepack!(...handle, ring, 1)).toBe(0)
  return bytes
}

describe('defects of the original', () => {
  it('ack-after-look: what is sent between the last look and the wait is not left lying', () => {
    const sockets = loadSockets()
    const { abi, layout, hub, server } = sockets
    const { handle, index } = openChannel(sockets, 'datagram', 6)
    const bits = layout.WORK! | layout.SENT!
    expect(send(sockets, handle, TO_SERVER, [1])).toBe(0)
    expect(abi.hubAck!(...hub, server)).toBe(index)
    expect(receive(sockets, handle, TO_SERVER)).toEqual([1])
    expect(receive(sockets, handle, TO_SERVER)).toBe(layout.EMPTY)
    // Here the client sends, and tells the server, who knows of the channel that it has its turn.
    expect(send(sockets, handle, TO_SERVER, [2])).toBe(0)
    expect(abi.channelServe!(...handle, bits)).toBe(layout.SENT)
    expect(receive(sockets, handle, TO_SERVER)).toEqual([2])
    // And here after the server has said that it waits: the hub has it, and the server does not fall asleep.
    expect(abi.channelServe!(...handle, bits)).toBe(0)
    expect(send(sockets, handle, TO_SERVER, [3])).toBe(0)
    expect(abi.hubAckWait!(...hub, server, abi.departures!())).toBe(0)
    expect(abi.hubAck!(...hub, server)).toBe(index)
    expect(receive(sockets, handle, TO_SERVER)).toEqual([3])
  })

  it('ack-after-look: a server that is about to sleep is woken by what is sent then', () => {
    const sockets = loadSockets()
    const { abi, layout, hub, server } = sockets
    const { handle } = openChannel(sockets, 'datagram', 6)
    expect(abi.channelServe!(...handle, layout.WORK! | layout.SENT!)).toBe(0)
    expect(abi.hubAck!(...hub, server)).toBe(layout.EMPTY)
    const word = abi.hubAckWait!(...hub, server, abi.departures!())
    expect(word).toBe(bellOf(sockets, server))
    expect(send(sockets, handle, TO_SERVER, [1])).toBe(0)
    expect(bellOf(sockets, server)).not.toBe(word)
  })

  it('drain-before-block: room that was made before the client waits for it is found by the client', () => {
    const sockets = loadSockets()
    const { abi, layout, client } = sockets
    const { handle } = openChannel(sockets, 'datagram', 5)
    while (send(sockets, handle, TO_SERVER, [7, 7]) === 0);
    expect(abi.datagramClaim!(...handle, TO_SERVER, 2)).toBe(layout.FULL)
    while (Array.isArray(receive(sockets, handle, TO_SERVER)));
    expect(abi.channelBlock!(...handle, client, layout.WRITABLE!, 2)).toBe(0)
    // The same with bytes.
    const stream = openChannel(sockets, 'stream', 5).handle
    expect(abi.streamSpace!(...stream, TO_SERVER, client)).toBe(32)
    expect(abi.streamCommit!(...stream, TO_SERVER, 32)).toBe(0)
    expect(abi.streamSpace!(...stream, TO_SERVER, client)).toBe(0)
    expect(abi.streamDone!(...stream, TO_SERVER, 32)).toBe(0)
    expect(abi.channelBlock!(...stream, client, layout.WRITABLE!, 0)).toBe(0)
  })

  it('unblock-erases-receive: taking back the wait for room leaves the wait for a datagram', () => {
    const sockets = loadSockets()
    const { abi, layout, client } = sockets
    const { handle } = openChannel(sockets, 'datagram', 5)
    while (send(sockets, handle, TO_SERVER, [7, 7]) === 0);
    const word = abi.channelBlock!(...handle, client, layout.READABLE!, 0)
    expect(abi.channelBlock!(...handle, client, layout.WRITABLE!, 2)).toBe(word)
    expect(abi.channelUnblock!(...handle, layout.WRITABLE!)).toBe(0)
    expect(send(sockets, handle, TO_CLIENT, [1])).toBe(0)
    expect(bellOf(sockets, client)).not.toBe(word)
  })

  it('being told of one thing leaves the wait for the other', () => {
    const sockets = loadSockets()
    const { abi, layout, client } = sockets
    const { handle } = openChannel(sockets, 'datagram', 5)
    while (send(sockets, handle, TO_SERVER, [7, 7]) === 0);
    abi.channelBlock!(...handle, client, layout.READABLE! | layout.WRITABLE!, 2)
    expect(send(sockets, handle, TO_CLIENT, [1])).toBe(0)
    // Only the bell is armed again, as by a wait at another channel.
    const other = openChannel(sockets, 'datagram', 5).handle
    const word = abi.channelBlock!(...other, client, layout.READABLE!, 0)
    expect(receive(sockets, handle, TO_SERVER)).toEqual([7, 7])
    expect(bellOf(sockets, client)).not.toBe(word)
  })

  it('oversize-desynchronises: a datagram that is too long is refused, and what follows it is found', () => {
    for (const ring of [TO_SERVER, TO_CLIENT]) {
      for (let start = 0n; start < 32n; start += 8n) {
        const sockets = loadSockets()
        const { abi, layout } = sockets
        const { handle } = openChannel(sockets, 'datagram', 5)
        startAt(sockets, handle, ring, start)
        expect(send(sockets, handle, ring, [1])).toBe(0)
        for (const bytes of [33, 34, 100, 65_536, 2 ** 31 - 1, -1]) {
          expect(abi.datagramClaim!(...handle, ring, bytes)).toBe(layout.OVERSIZE)
          expect(abi.datagramCommit!(...handle, ring, bytes, 1)).toBe(layout.INVALID)
        }
        expect(receive(sockets, handle, ring)).toEqual([1])
        const longest = Array.from({ length: 32 }, (_, i) => i)
        for (const datagram of [longest, [2], longest, []]) {
          expect(send(sockets, handle, ring, datagram)).toBe(0)
          expect(receive(sockets, handle, ring)).toEqual(datagram)
        }
        expect(receive(sockets, handle, ring)).toBe(layout.EMPTY)
      }
    }
  })

  it('over-read: no more is read than is there, nor across the end of the data twice', () => {
    const sockets = loadSockets()
    const { abi, layout, core, server, client } = sockets
    const { handle } = openChannel(sockets, 'stream', 5)
    startAt(sockets, handle, TO_SERVER, 20n)
    const bytes = Array.from({ length: 32 }, (_, i) => i + 1)
    expect(abi.streamSpace!(...handle, TO_SERVER, client)).toBe(32)
    let at = 0
    for (const [to, count] of stretches(sockets, client, 32)) {
      core.u8().set(bytes.slice(at, at + count), to)
      at += count
    }
    expect(abi.streamCommit!(...handle, TO_SERVER, 33)).toBe(layout.INVALID)
    expect(abi.streamCommit!(...handle, TO_SERVER, 64)).toBe(layout.INVALID)
    expect(abi.streamCommit!(...handle, TO_SERVER, 32)).toBe(0)
    for (const skipped of [0, 1, 12, 31]) {
      expect(abi.streamBytes!(...handle, TO_SERVER, server, skipped)).toBe(32 - skipped)
      const found = stretches(sockets, server, 32 - skipped).flatMap(([from, count]) =>
        Array.from(core.u8().subarray(from, from + count)),
      )
      expect(found).toEqual(bytes.slice(skipped))
    }
    for (const skipped of [32, 33, 64, -1])
      expect(abi.streamBytes!(...handle, TO_SERVER, server, skipped)).toBe(layout.EMPTY)
    for (const count of [33, 64, -1, 2 ** 31 - 1])
      expect(abi.streamDone!(...handle, TO_SERVER, count)).toBe(layout.INVALID)
    expect(abi.streamDone!(...handle, TO_SERVER, 32)).toBe(0)
    expect(abi.streamDone!(...handle, TO_SERVER, 1)).toBe(layout.INVALID)
    expect(abi.streamBytes!(...handle, TO_SERVER, server, 0)).toBe(layout.EMPTY)
  })
})
