// What arrives of a program that logs and calls `process.exit()` at once, with nothing awaited in between.
import { arrived } from '../support/arrival.mjs'
import { clients } from '../support/clients.mjs'
import { runToItsEnd } from '../support/helper.mjs'
import { startReceiver } from '../support/receiver.mjs'

/** Not fewer in the tests: less than a turn's lines would be another question. */
const LINES = 1000

export const variants = Object.fromEntries(Object.keys(clients).map((name) => [name, () => arrivedOf(name)]))

/** `arrived`: percent of the lines. Whoever is cut off may leave the half of one. */
async function arrivedOf(name) {
  const receiver = await startReceiver(clients[name])
  await runToItsEnd('./logger-exit-entry.mjs', { name, port: receiver.port, lines: LINES })
  const { lost } = arrived(LINES, { tears: true }, await receiver.result())
  return { arrived: 100 * (1 - lost) }
}
