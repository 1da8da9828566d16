import { describe, expect, it } from 'vitest'
import type { Session } from '../../src/net/gudp/session.ts'
import { Turns } from '../../src/net/gudp/turns.ts'
import { VirtualClock } from '../../src/sim/network/index.ts'

const sessionNamed = (name: string, isGone = false) => ({ name, isGone }) as unknown as Session

/** `places`: how many there are; each visit of one that is `hungry` takes one. */
function turnsOf(places: number, hungry: readonly string[] = []) {
  const clock = new VirtualClock()
  const seen: string[] = []
  let free = places
  const turns: Turns = new Turns(
    clock,
    () => free > 0,
    (session) => {
      const { name } = session as unknown as { name: string }
      seen.push(name)
      if (!hungry.includes(name)) return
      if (free === 0) turns.starve(session)
      else free--
    },
  )
  return { clock, turns, seen }
}

const settle = (clock: VirtualClock) => clock.playUntil(() => false, 10).catch(() => {})

describe('turns', () => {
  it('look at each session once, in the order in which they came', async () => {
    const { clock, turns, seen } = turnsOf(1)
    const [a, b] = [sessionNamed('a'), sessionNamed('b')]
    for (const session of [a, b, a, sessionNamed('gone', true)]) turns.soil(session)
    await settle(clock)
    expect(seen).toEqual(['a', 'b'])
  })

  it('feed the next one where a place was given to a session that has gone, or needs none any more', async () => {
    const { clock, turns, seen } = turnsOf(2, ['c', 'd', 'e'])
    for (const name of ['a', 'b', 'c', 'd', 'e']) turns.starve(sessionNamed(name, name === 'a'))
    turns.feed()
    await settle(clock)
    expect(seen).toEqual(['b', 'c', 'd']) // no place for e: it waits for the kernel
  })
})
