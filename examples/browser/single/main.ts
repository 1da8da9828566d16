// What happens on the page becomes events; how many of them are where is shown.
import '../shared/style.css'
import { byId, closes, showFigures, showVerdict } from '../shared/figures.ts'
import { Outbox } from './outbox.ts'

const BURST = 5000
const SHOW_EVERY_MS = 200

const outbox = new Outbox('events')
void outbox.run()

let sequence = 0
const write = (event: string, more: object = {}) =>
  outbox.write({ event, sequence: sequence++, at: Math.round(performance.now()), ...more })

addEventListener('pointermove', ({ clientX: x, clientY: y }) => write('pointer', { x, y }))
addEventListener('pagehide', () => outbox.sendRest())
byId('burst').onclick = () => {
  for (let i = 0; i < BURST; i++) write('burst', { i })
}

setInterval(() => {
  const stats = outbox.ring.stats()
  const { sent, failed, inFlight, batches, alerted } = outbox
  showFigures(byId('ledger'), stats)
  showFigures(byId('network'), { sent, failed, inFlight, batches })
  if (stats.offered === 0) return
  // In one thread every moment is a quiet one; but of the last loss the alert comes only with the next event that is read.
  const isClosed =
    closes(stats) &&
    stats.offered === sequence &&
    (stats.missed === alerted || stats.depth > 0) &&
    stats.read === sent + failed + inFlight
  showVerdict(byId('verdict'), isClosed, 'The ledger does not close.')
}, SHOW_EVERY_MS)
