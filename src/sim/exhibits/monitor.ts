import { type Locking, monitorScenario } from '../scenarios/gudp-monitor.ts'
import type { Exhibit, ExhibitScenario, Figure, Setting } from './exhibit.ts'

const turns: Setting = { name: 'turns', label: 'turns of each producer', default: 3, least: 1, most: 2000 }

/** Producers add one to a counter under the lock, and signal; consumers wait until it is more than none, and take one. */
function monitorOf(producers: number, consumers: number, each: number): Omit<ExhibitScenario, 'name'> {
  const all = producers * each
  const scenario = monitorScenario({
    turns: [
      ...Array.from({ length: producers }, (_, i) => ({
        name: `producer ${i + 1}`,
        turns: each,
        adds: 1 as const,
        wakes: 'monitorSignal' as const,
      })),
      ...Array.from({ length: consumers }, (_, i) => ({
        name: `consumer ${i + 1}`,
        // What there is, shared out: the first ones take the rest.
        turns: Math.floor(all / consumers) + (i < all % consumers ? 1 : 0),
        adds: -1 as const,
      })),
    ],
  })
  return {
    ...scenario,
    figures: (view) =>
      Array.from(
        { length: producers + consumers },
        (_, thread): Figure => ({
          thread,
          label: thread < producers ? 'added' : 'taken',
          value: (view.threads[thread]!.state as unknown as Locking).done,
        }),
      ),
  }
}

export const monitorExhibit: Exhibit = {
  id: 'monitor',
  title: 'Mutex and condition',
  about:
    'A mutex that survives the death of its owner, and a condition to sleep for: producers count up and signal, consumers wait and count down.',
  settings: [
    { name: 'producers', label: 'producers', default: 1, least: 1, most: 2 },
    { name: 'consumers', label: 'consumers', default: 2, least: 1, most: 2 },
    turns,
  ],
  build: ({ producers, consumers, turns: each }) =>
    monitorOf(producers as number, consumers as number, each as number),
}
