// What docs/wire.md gives as bytes, and what follows from the rules there, worked out by hand: no line of it came out of a program.
import type { ChannelKind, Datagram, Fragment, Frame, PacketHeader } from './gudp-decoder.ts'

/** From hexadecimal digits; spaces are for the reader. `(aa*3)` is a byte that many times. */
export function bytesOf(hex: string): Uint8Array {
  const plain = hex.replace(/\((..)\*(\d+)\)/g, (_, byte: string, times: string) =>
    byte.repeat(Number(times)),
  )
  return new Uint8Array(Buffer.from(plain.replaceAll(/\s/g, ''), 'hex'))
}

const filled = (byte: number, length: number) => new Uint8Array(length).fill(byte)

export interface HeaderVector extends PacketHeader {
  readonly name: string
  readonly hex: string
}

const header = (
  name: string,
  [sequence, ack, bits]: readonly [number, number, number],
  hex: string,
): HeaderVector => ({ name, sequence, ack, bits, hex })

export const headerVectors: readonly HeaderVector[] = [
  // Given.
  header('the very first', [0, 65535, 0], '3e 0000 01 00000000'),
  header('all acknowledged', [200, 100, 0xffffffff], '20 c800 64'),
  header('an ack too far for one byte', [10000, 100, 0], '1e 1027 6400 00000000'),
  // The distance.
  header('distance 0', [7, 7, 0xffffffff], '20 0700 00'),
  header('distance 255', [255, 0, 0xffffffff], '20 ff00 ff'),
  header('distance 256', [256, 0, 0xffffffff], '00 0001 0000'),
  header('distance 255 over the wrap', [0, 65281, 1], '3e 0000 ff 01000000'),
  header('distance 256 over the wrap', [0, 65280, 1], '1e 0000 00ff 01000000'),
  header('distance 65535: the ack is the newer', [4, 5, 0xffffffff], '00 0400 0500'),
  header('the ack is newer, over the wrap', [65535, 0, 0xffffffff], '00 ffff 0000'),
  header('the last before the wrap', [65535, 65534, 0x80000001], '3e ffff 01 01000080'),
  header('half the circle', [32768, 0, 0xffffffff], '00 0080 0000'),
  // The bits: each byte that is 0xFF is left out, each other one is there, lowest first.
  header('byte 0 is 0xFF', [5, 4, 0x332211ff], '3c 0500 01 112233'),
  header('byte 1 is 0xFF', [5, 4, 0x3322ff11], '3a 0500 01 112233'),
  header('byte 2 is 0xFF', [5, 4, 0x33ff2211], '36 0500 01 112233'),
  header('byte 3 is 0xFF', [5, 4, 0xff332211], '2e 0500 01 112233'),
  header('byte 0 alone is not', [5, 4, 0xffffff7f], '22 0500 01 7f'),
  header('byte 1 alone is not', [5, 4, 0xffff7fff], '24 0500 01 7f'),
  header('byte 2 alone is not', [5, 4, 0xff7fffff], '28 0500 01 7f'),
  header('byte 3 alone is not', [5, 4, 0x7fffffff], '30 0500 01 7f'),
  header('0 and 2 are 0xFF', [5, 4, 0x22ff11ff], '34 0500 01 1122'),
  header('1 and 3 are 0xFF', [5, 4, 0xff22ff11], '2a 0500 01 1122'),
  header('bytes in their order', [0x1234, 0x1230, 0x04030201], '3e 3412 04 01020304'),
  header('two bytes of ack, and none of bits', [0x1234, 0xabcd, 0xffffffff], '00 3412 cdab'),
  header('two bytes of ack, and two of bits', [0x1234, 0xabcd, 0xffee11ff], '0c 3412 cdab 11ee'),
]

/** Nobody should write them so, but what they say is plain. */
export const lavishHeaders: readonly HeaderVector[] = [
  header('a bits byte that could have been left out', [200, 100, 0xffffffff], '22 c800 64 ff'),
  header('two bytes for an ack that one could have said', [200, 100, 0xffffffff], '00 c800 6400'),
]

export const badHeaders: readonly { readonly name: string; readonly hex: string }[] = [
  { name: 'prefix bit 6', hex: '60 c800 64' },
  { name: 'prefix bit 7', hex: 'a0 c800 64' },
  { name: 'a fragment with other bits in its prefix', hex: '21 0300 01 02 (ee*1024)' },
]

export interface FragmentVector {
  readonly name: string
  readonly hex: string
  readonly fragment: Fragment
  /** Cut below this it is refused; from there on the last one of a packet is a shorter last one. */
  readonly refusedBelow: number
}

export const fragmentVectors: readonly FragmentVector[] = [
  {
    name: 'fragment 0 of 3',
    hex: '01 0300 00 02  3e 0300 01 00000000 (aa*1024)',
    fragment: {
      ...{ is: 'fragment', sequence: 3, index: 0, count: 3 },
      header: { sequence: 3, ack: 2, bits: 0 },
      bytes: filled(0xaa, 1024),
    },
    refusedBelow: 1037,
  },
  {
    name: 'fragment 1 of 3',
    hex: '01 0300 01 02 (bb*1024)',
    fragment: {
      ...{ is: 'fragment', sequence: 3, index: 1, count: 3, header: undefined },
      bytes: filled(0xbb, 1024),
    },
    refusedBelow: 1029,
  },
  {
    name: 'the last of 3, of one byte',
    hex: '01 0300 02 02 cc',
    fragment: {
      ...{ is: 'fragment', sequence: 3, index: 2, count: 3, header: undefined },
      bytes: filled(0xcc, 1),
    },
    refusedBelow: 6,
  },
  {
    name: 'the last of 2, full',
    hex: '01 ffff 01 01 (dd*1024)',
    fragment: {
      ...{ is: 'fragment', sequence: 65535, index: 1, count: 2, header: undefined },
      bytes: filled(0xdd, 1024),
    },
    refusedBelow: 6,
  },
  {
    name: 'the last of 256',
    hex: '01 0001 ff ff 0102',
    fragment: {
      ...{ is: 'fragment', sequence: 256, index: 255, count: 256, header: undefined },
      bytes: bytesOf('0102'),
    },
    refusedBelow: 6,
  },
  {
    name: 'fragment 0 of 2 with the shortest header',
    hex: '01 c800 00 01  20 c800 64 (00*1024)',
    fragment: {
      ...{ is: 'fragment', sequence: 200, index: 0, count: 2 },
      header: { sequence: 200, ack: 100, bits: 0xffffffff },
      bytes: filled(0, 1024),
    },
    refusedBelow: 1033,
  },
  {
    name: 'fragment 0 of 2 with the longest header',
    hex: '01 1027 00 01  1e 1027 6400 00000000 (00*1024)',
    fragment: {
      ...{ is: 'fragment', sequence: 10000, index: 0, count: 2 },
      header: { sequence: 10000, ack: 100, bits: 0 },
      bytes: filled(0, 1024),
    },
    refusedBelow: 1038,
  },
]

export const badFragments: readonly { readonly name: string; readonly hex: string }[] = [
  { name: 'a number that is not below the count', hex: '01 0300 03 02 (aa*1024)' },
  { name: 'a last one of 1025 bytes', hex: '01 0300 02 02 (aa*1025)' },
  { name: 'a middle one of 1025 bytes', hex: '01 0300 01 02 (aa*1025)' },
  { name: 'a last one of none', hex: '01 0300 02 02' },
  {
    name: 'fragment 0 whose header has another sequence',
    hex: '01 0300 00 02 3e 0400 01 00000000 (aa*1024)',
  },
  { name: 'fragment 0 whose header is a fragment', hex: '01 0300 00 02 01 0300 01 00000000 (aa*1024)' },
]

/** What the lanes of the frame vectors are: 1 and 3 are reliable, 2 is not. */
export const channels: readonly ChannelKind[] = ['reliable', 'unreliable', 'reliable']

export interface FramesVector {
  readonly name: string
  readonly hex: string
  readonly frames: readonly Frame[]
  /** Lengths at which a cut leaves a body that says something else. */
  readonly wholeAt: readonly number[]
}

export const framesVectors: readonly FramesVector[] = [
  { name: 'nothing', hex: '', frames: [], wholeAt: [] },
  {
    name: 'DATA of a packet',
    hex: '01 00 68656c6c6f',
    frames: [{ is: 'data', lane: 0, bytes: bytesOf('68656c6c6f') }],
    wholeAt: [0, 2, 3, 4, 5, 6],
  },
  {
    name: 'DATA of an unreliable message',
    hex: '01 02 00',
    frames: [{ is: 'data', lane: 2, bytes: bytesOf('00') }],
    wholeAt: [0, 2],
  },
  {
    name: 'STREAM: the message "hello, world" whole',
    hex: '02 01 00000000 0200  0c000000 68656c6c 6f2c2077 6f726c64',
    frames: [
      {
        ...{ is: 'stream', lane: 1, offset: 0 },
        bytes: bytesOf('0c000000 68656c6c 6f2c2077 6f726c64'),
      },
    ],
    wholeAt: [0],
  },
  {
    name: 'STREAM at the end of the offsets',
    hex: '02 03 ffffffff 0100  (11*8)',
    frames: [{ is: 'stream', lane: 3, offset: 0xffffffff, bytes: filled(0x11, 8) }],
    wholeAt: [0],
  },
  {
    name: 'STREAM of 256 units',
    hex: '02 01 04030201 0001  (22*2048)',
    frames: [{ is: 'stream', lane: 1, offset: 0x01020304, bytes: filled(0x22, 2048) }],
    wholeAt: [0],
  },
  {
    name: 'CREDIT',
    hex: '03 01 00040000',
    frames: [{ is: 'credit', lane: 1, limit: 1024 }],
    wholeAt: [0],
  },
  { name: 'PING', hex: '04', frames: [{ is: 'ping' }], wholeAt: [0] },
  {
    name: 'MESSAGE',
    hex: '05 02 0300 616263',
    frames: [{ is: 'message', lane: 2, bytes: bytesOf('616263') }],
    wholeAt: [0],
  },
  {
    name: 'MESSAGE of nothing',
    hex: '05 02 0000',
    frames: [{ is: 'message', lane: 2, bytes: bytesOf('') }],
    wholeAt: [0],
  },
  {
    name: 'all of them, DATA last, which has no end of its own',
    hex: '04  03 03 feffffff  05 02 0100 7a  02 01 02000000 0100 (33*8)  01 00 0405',
    frames: [
      { is: 'ping' },
      { is: 'credit', lane: 3, limit: 0xfffffffe },
      { is: 'message', lane: 2, bytes: bytesOf('7a') },
      { is: 'stream', lane: 1, offset: 2, bytes: filled(0x33, 8) },
      { is: 'data', lane: 0, bytes: bytesOf('0405') },
    ],
    wholeAt: [0, 1, 7, 12, 28, 30, 31],
  },
]

export const badFrames: readonly { readonly name: string; readonly hex: string }[] = [
  { name: 'a first byte 0', hex: '00' },
  { name: 'a first byte 6', hex: '06 00' },
  { name: 'a good frame and a bad one', hex: '04 00' },
  { name: 'DATA on a reliable lane', hex: '01 01 00' },
  { name: 'DATA on a lane that is not there', hex: '01 04 00' },
  { name: 'STREAM on lane 0', hex: '02 00 00000000 0100 (00*8)' },
  { name: 'STREAM on an unreliable lane', hex: '02 02 00000000 0100 (00*8)' },
  { name: 'STREAM on a lane that is not there', hex: '02 04 00000000 0100 (00*8)' },
  { name: 'CREDIT on lane 0', hex: '03 00 00000000' },
  { name: 'CREDIT on an unreliable lane', hex: '03 02 00000000' },
  { name: 'MESSAGE on lane 0', hex: '05 00 0000' },
  { name: 'MESSAGE on a reliable lane', hex: '05 01 0000' },
]

export interface DatagramVector {
  readonly name: string
  readonly hex: string
  readonly datagram: Datagram
  /** Cut below this it is refused; above, its content is shorter. */
  readonly refusedBelow: number
}

const ID = '47554450'
const SALT = '0807060504030201'
const salt = 0x0102030405060708n
const SESSION = '1122334455667788'
const session = 0x8877665544332211n
const cookie = filled(0xc0, 36)
const none = bytesOf('')

export const datagramVectors: readonly DatagramVector[] = [
  {
    name: 'REQUEST in the clear, three channels of which 0 and 2 are reliable',
    hex: `${ID} 01  01 00 03 ${SALT} 0500 (00*36) 0000 (00*1144)`,
    datagram: {
      ...{ is: 'request', version: 1, wantsSeal: false, channels: 3, salt, kinds: 5 },
      ...{ cookie: filled(0, 36), exchange: none },
    },
    refusedBelow: 1200,
  },
  {
    name: 'REQUEST to be sealed, no channels',
    hex: `${ID} 01  01 01 00 ${SALT} 0000 (00*36) 3000 (ee*48) (00*1096)`,
    datagram: {
      ...{ is: 'request', version: 1, wantsSeal: true, channels: 0, salt, kinds: 0 },
      ...{ cookie: filled(0, 36), exchange: filled(0xee, 48) },
    },
    refusedBelow: 1200,
  },
  {
    name: 'RESPONSE in the clear, fifteen channels, all reliable',
    hex: `${ID} 03  01 00 0f ${SALT} ff7f (c0*36) 0000 (00*1144)`,
    datagram: {
      ...{ is: 'response', version: 1, wantsSeal: false, channels: 15, salt, kinds: 0x7fff, cookie },
      exchange: none,
    },
    refusedBelow: 1200,
  },
  {
    name: 'CHALLENGE',
    hex: `${ID} 02  01 0000 ${SALT} (c0*36) 00000000`,
    datagram: { is: 'challenge', version: 1, salt, cookie },
    refusedBelow: 56,
  },
  {
    name: 'ACCEPTED in the clear',
    hex: `${ID} 04  01 0000 ${SALT} ${SESSION} 0000`,
    datagram: { is: 'accepted', version: 1, salt, session, exchange: none },
    refusedBelow: 26,
  },
  {
    name: 'ACCEPTED with the second message',
    hex: `${ID} 04  01 0000 ${SALT} ${SESSION} 3000 (dd*48)`,
    datagram: { is: 'accepted', version: 1, salt, session, exchange: filled(0xdd, 48) },
    refusedBelow: 74,
  },
  {
    name: 'REFUSED',
    hex: `${ID} 05  01 0000 ${SALT} 03`,
    datagram: { is: 'refused', version: 1, salt, reason: 3 },
    refusedBelow: 17,
  },
  {
    name: 'PACKET in the clear',
    hex: `${ID} 06  ${SESSION}  20 c800 64  04`,
    datagram: { is: 'packet', sealed: false, session, content: bytesOf('20 c800 64  04') },
    refusedBelow: 13,
  },
  {
    name: 'CLOSE',
    hex: `${ID} 07  ${SESSION}  01`,
    datagram: { is: 'close', sealed: false, session, content: bytesOf('01') },
    refusedBelow: 13,
  },
  {
    name: 'PATH_CHALLENGE',
    hex: `${ID} 08  ${SESSION}  (ab*8)`,
    datagram: { is: 'path-challenge', sealed: false, session, content: filled(0xab, 8) },
    refusedBelow: 13,
  },
  {
    name: 'PATH_RESPONSE',
    hex: `${ID} 09  ${SESSION}  (ab*8)`,
    datagram: { is: 'path-response', sealed: false, session, content: filled(0xab, 8) },
    refusedBelow: 13,
  },
  {
    name: 'PACKET sealed: the head as it is authenticated, and the box',
    hex: `${ID} 86  ${SESSION} 0900000000000000  (bb*21)`,
    datagram: {
      ...{ is: 'packet', sealed: true, session, nonce: 9n },
      additional: bytesOf(`${ID} 86  ${SESSION} 0900000000000000`),
      box: filled(0xbb, 21),
    },
    refusedBelow: 37,
  },
]

export const badDatagrams: readonly { readonly name: string; readonly hex: string }[] = [
  { name: 'nothing', hex: '' },
  { name: 'another protocol id', hex: `47554451 05  01 0000 ${SALT} 03` },
  { name: 'type 0', hex: `${ID} 00  ${SESSION}` },
  { name: 'type 10', hex: `${ID} 0a  ${SESSION}` },
  { name: 'a handshake that is sealed', hex: `${ID} 85  01 0000 ${SALT} 03` },
  { name: 'a REQUEST of 1201 bytes', hex: `${ID} 01  01 00 00 ${SALT} 0000 (00*36) 0000 (00*1145)` },
  {
    name: 'a REQUEST whose L is more than there is',
    hex: `${ID} 01 01 01 00 ${SALT} 0000 (00*36) 7904 (00*1144)`,
  },
  { name: 'sixteen channels', hex: `${ID} 01  01 00 10 ${SALT} ffff (00*36) 0000 (00*1144)` },
  { name: 'a CHALLENGE of 57 bytes', hex: `${ID} 02  01 0000 ${SALT} (c0*36) 0000000000` },
  { name: 'an ACCEPTED longer than its L', hex: `${ID} 04  01 0000 ${SALT} ${SESSION} 0000 00` },
  { name: 'an ACCEPTED of session 0', hex: `${ID} 04  01 0000 ${SALT} (00*8) 0000` },
  { name: 'a REFUSED of 18 bytes', hex: `${ID} 05  01 0000 ${SALT} 03 00` },
]
