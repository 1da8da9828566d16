import type { LoggedPacket, PairRun, SideSample } from '../../../src/sim/gudp/index.ts'
import { make } from '../../common/elements.ts'
import { colourOf } from './packet-words.ts'

const HEIGHT = 170
const HOST_WIDTH = 52
/** What is shown is at most so old: longer than nearly every way. */
const SHOWN_MS = 4000
/** One above the other by lane, so that those of different channels are told apart without their colour, too. */
const LANE_STEP = 9
const LANES = 5
const RADIUS = 4
/** Where on its way one that is lost is seen to vanish. */
const LOST_AT = 0.5

/** Packets on their way between two hosts: those of the left side above, those of the right below. */
export class WirePicture {
  readonly element: HTMLElement
  readonly #canvas = make('canvas', { role: 'img' })
  readonly #resized = new ResizeObserver(() => this.#fit())
  #run: PairRun | undefined

  constructor() {
    const caption = make('figcaption', {}, 'Packets on their way')
    this.element = make('figure', { class: 'gudp-wire' }, caption, this.#canvas, legend())
    this.#resized.observe(this.element)
  }

  /** What it shows, in words. */
  describe(text: string): void {
    this.#canvas.setAttribute('aria-label', text)
  }

  draw(run: PairRun): void {
    this.#run = run
    const context = this.#canvas.getContext('2d')!
    const style = getComputedStyle(this.element)
    const colour = (name: string) => style.getPropertyValue(`--${name}`).trim()
    const width = this.#canvas.clientWidth
    const scale = this.#canvas.width / Math.max(1, width)
    context.setTransform(scale, 0, 0, scale, 0, 0)
    context.clearRect(0, 0, width, HEIGHT)
    const wire = { left: HOST_WIDTH, right: width - HOST_WIDTH }
    context.font = '13px system-ui, sans-serif'
    context.textAlign = 'center'
    context.textBaseline = 'middle'
    const { left, right, nowMs } = run.sample()
    drawHost(context, 'left', 1, left, colour)
    drawHost(context, 'right', width - HOST_WIDTH + 3, right, colour)
    context.beginPath()
    context.moveTo(wire.left, HEIGHT / 2 + 0.5)
    context.lineTo(wire.right, HEIGHT / 2 + 0.5)
    context.stroke()
    for (const packet of run.packets(nowMs - SHOWN_MS)) {
      for (const { part, isLost } of placesOf(packet, nowMs)) {
        const toRight = packet.side === 'left'
        const x = wire.left + (wire.right - wire.left) * (toRight ? part : 1 - part)
        drawPacket(context, packet, x, yOf(packet), isLost, colour)
      }
    }
  }

  leave(): void {
    this.#resized.disconnect()
  }

  #fit(): void {
    const width = this.element.clientWidth
    const scale = globalThis.devicePixelRatio || 1
    this.#canvas.width = Math.round(Math.max(1, this.#canvas.clientWidth || width) * scale)
    this.#canvas.height = Math.round(HEIGHT * scale)
    if (this.#run !== undefined) this.draw(this.#run)
  }
}

/** A side, and how its machine takes the link. */
function drawHost(
  context: CanvasRenderingContext2D,
  name: string,
  x: number,
  { end, mode }: SideSample,
  colour: (name: string) => string,
): void {
  const [width, middle] = [HOST_WIDTH - 5, x + (HOST_WIDTH - 5) / 2]
  context.strokeStyle = colour('line')
  context.lineWidth = 1
  context.strokeRect(x + 0.5, 8.5, width, HEIGHT - 17)
  context.fillStyle = colour('text')
  context.fillText(name, middle, HEIGHT / 2 - 9)
  context.fillStyle = colour(end === undefined && mode === 'good' ? 'good' : 'loss')
  context.fillText(end === undefined ? mode : 'over', middle, HEIGHT / 2 + 9)
}

/** How far each copy of it has come, from 0 to 1; none that is there, or has vanished. */
function placesOf(packet: LoggedPacket, nowMs: number): { part: number; isLost: boolean }[] {
  const { sentAtMs, arrivalsMs, wayMs, fate } = packet
  const sinceMs = nowMs - sentAtMs
  if (arrivalsMs.length > 0)
    return arrivalsMs
      .filter((atMs) => atMs > nowMs)
      .map((atMs) => ({ part: sinceMs / (atMs - sentAtMs), isLost: false }))
  const part = sinceMs / Math.max(1, wayMs)
  if (part >= 1) return []
  // What finds no room in the queue does not get onto the wire.
  const vanishes = fate === 'lost' || fate === 'burst' ? LOST_AT : 0.03
  return [{ part: Math.min(part, vanishes), isLost: part >= vanishes }]
}

function yOf({ side, content }: LoggedPacket): number {
  const lane =
    content.lane === undefined ? 0 : content.lane === 0 ? LANES : 1 + ((content.lane - 1) % (LANES - 1))
  const offset = 18 + lane * LANE_STEP
  return HEIGHT / 2 + (side === 'left' ? -offset : offset)
}

function drawPacket(
  context: CanvasRenderingContext2D,
  { content, isAgain }: LoggedPacket,
  x: number,
  y: number,
  isLost: boolean,
  colour: (name: string) => string,
): void {
  context.beginPath()
  if (isLost) {
    context.strokeStyle = colour('loss')
    context.lineWidth = 2
    for (const slope of [1, -1]) {
      context.moveTo(x - RADIUS, y - RADIUS * slope)
      context.lineTo(x + RADIUS, y + RADIUS * slope)
    }
    context.stroke()
    return
  }
  const own = colour(colourOf(content.lane))
  if (content.lane === undefined) {
    context.strokeStyle = own
    context.lineWidth = 1.5
    context.arc(x, y, RADIUS - 1.5, 0, 2 * Math.PI)
    context.stroke()
    return
  }
  context.fillStyle = own
  context.arc(x, y, RADIUS, 0, 2 * Math.PI)
  context.fill()
  if (!isAgain) return
  context.beginPath()
  context.strokeStyle = colour('text')
  context.lineWidth = 1.5
  context.arc(x, y, RADIUS + 3, 0, 2 * Math.PI)
  context.stroke()
}

function legend(): HTMLElement {
  const items = [
    ['mark-data', 'with content, in the colour of its channel'],
    ['mark-again', 'sent again'],
    ['mark-bare', 'acknowledgements, pings, credits'],
    ['mark-lost', 'lost'],
  ] as const
  return make(
    'ul',
    { class: 'gudp-legend' },
    ...items.map(([mark, text]) =>
      make('li', {}, make('span', { class: mark, 'aria-hidden': 'true' }), text),
    ),
  )
}
