import type { LoggedPacket } from '../../../src/sim/gudp/index.ts'

const fates: Record<LoggedPacket['fate'], string> = {
  passed: '',
  doubled: ', and a copy of it',
  lost: ', which the link loses',
  burst: ', which the link loses',
  queue: ', which finds no room in the queue of the link',
  'too-long': ', which is too long for the link',
  blocked: ', which the link does not let through',
}

const kinds: Record<LoggedPacket['content']['kind'], string> = {
  ack: 'nothing but acknowledgements',
  ping: 'a ping',
  credit: 'how much more may be sent',
  packet: 'a packet of the program',
  message: 'messages',
  stream: 'a stretch of a reliable channel',
  fragment: 'a fragment',
}

/** A packet in words, for those who do not see it fly. */
function sentText({ side, content, bytes, fate, isAgain }: LoggedPacket): string {
  const lane = content.lane === undefined || content.lane === 0 ? '' : ` (channel ${content.lane})`
  const again = isAgain ? ', again' : ''
  return `the ${side} side sends packet ${content.sequence}, ${bytes} bytes: ${kinds[content.kind]}${lane}${again}${fates[fate]}`
}

function arrivedText({ side, content }: LoggedPacket): string {
  return `packet ${content.sequence} of the ${side} side arrives`
}

/** What happened at that moment. */
export function momentText(packets: readonly LoggedPacket[], nowMs: number): string {
  const arrived = packets.filter(({ arrivalsMs }) => arrivalsMs.includes(nowMs)).map(arrivedText)
  const sent = packets.filter(({ sentAtMs }) => sentAtMs === nowMs).map(sentText)
  return [...arrived, ...sent].join('; ') || 'no packet was sent, and none came'
}

/** A custom property of the style for each lane, and for what belongs to none. */
export function colourOf(lane: number | undefined): string {
  const colours = ['orange', 'blue', 'purple', 'teal', 'good']
  return lane === undefined ? 'dim' : colours[lane === 0 ? 0 : 1 + ((lane - 1) % (colours.length - 1))]!
}
