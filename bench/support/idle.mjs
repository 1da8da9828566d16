import { median } from './timing.mjs'

const LOOKS = 10

/**
 * Ten looks of `scale` seconds at a process that has nothing to do. `core`: percent of one, their median; `most`: of the ten, in which
 * V8 may have tidied its heap up after the start.
 */
export async function lookIdle(scale) {
  const looks = []
  for (let look = 0; look < LOOKS; look++) looks.push(await coreDuring(Math.max(0.05, scale)))
  return { core: median(looks), most: Math.max(...looks) }
}

/** Percent of one core over so many seconds. */
export async function coreDuring(time) {
  const from = performance.now()
  const cpu = process.cpuUsage()
  await seconds(time)
  const { user, system } = process.cpuUsage(cpu)
  return (user + system) / 10 / (performance.now() - from)
}

export const seconds = (s) => new Promise((resolve) => setTimeout(resolve, s * 1000))
