import { type ExhibitScenario, exhibitNamed, exhibits } from '../exhibits/index.ts'
import type { Scenario } from '../program.ts'
import { broadcastScenarios } from './broadcast.ts'
import { flushScenarios } from './flush.ts'
import { gudpMonitorScenarios } from './gudp-monitor.ts'
import { gudpReadScenarios } from './gudp-read.ts'
import { gudpSendScenarios } from './gudp-send.ts'
import { laneScenarios } from './lane.ts'
import { manyScenarios } from './many.ts'
import { packingScenarios } from './packing.ts'
import { regionScenarios } from './region.ts'
import { shutScenarios } from './shut.ts'
import { socketDatagramScenarios } from './socket-datagrams.ts'
import { socketEventScenarios } from './socket-events.ts'
import { socketHubScenarios } from './socket-hub.ts'
import { socketStreamScenarios } from './socket-streams.ts'
import { socketVisitScenarios } from './socket-visit.ts'
import { statusScenarios } from './status.ts'
import { successionScenarios } from './succession.ts'
import { waitingScenarios } from './waiting.ts'

/** Enough for a region, the scratch of three threads, and a few rings. */
const PAGES = 16

/** All that the model checker explores; a schedule begins with a scenario's name. */
export const scenarios: readonly Scenario[] = [
  ...laneScenarios,
  ...waitingScenarios,
  ...successionScenarios,
  ...broadcastScenarios,
  ...manyScenarios,
  ...packingScenarios,
  ...flushScenarios,
  ...shutScenarios,
  ...statusScenarios,
  ...regionScenarios,
  ...socketDatagramScenarios,
  ...socketStreamScenarios,
  ...socketEventScenarios,
  ...socketHubScenarios,
  ...socketVisitScenarios,
  ...gudpMonitorScenarios,
  ...gudpReadScenarios,
  ...gudpSendScenarios,
].map((scenario) => ({ pages: PAGES, ...scenario }))

/** One of those, or an exhibit with its settings. Throws, and names those there are, where there is none of that name. */
export function scenarioNamed(name: string): ExhibitScenario {
  const found = exhibitNamed(name) ?? scenarios.find((scenario) => scenario.name === name)
  if (found !== undefined) return found
  const names = [...exhibits.map(({ id }) => id), ...scenarios.map((one) => one.name)]
  throw new Error(`no scenario '${name}'; there are ${names.join(', ')}`)
}
