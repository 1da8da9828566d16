// One page to one worker: the reader may block, since it is no page.
import { OneToOne } from 'spillway'
import { byId, showFigures } from '../shared/figures.ts'

export function startPointer(): void {
  const ring = new OneToOne(512, null, { recordBytes: 32 })
  const worker = new Worker(new URL('./pointer-worker.ts', import.meta.url), { type: 'module' })
  worker.postMessage(ring.handle)
  worker.onmessage = ({ data }) => showFigures(byId('pointer-ledger'), { ...ring.stats(), ...data })
  addEventListener('pointermove', ({ clientX, clientY }) => {
    ring.set(`${clientX} ${clientY}`)
  })
}
