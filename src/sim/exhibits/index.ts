import { diodeExhibits } from './diodes.ts'
import { type Exhibit, type ExhibitScenario, exhibitName, settingsIn } from './exhibit.ts'
import { monitorExhibit } from './monitor.ts'
import { ringExhibits } from './rings.ts'
import { statusExhibit } from './status-word.ts'

/** Enough for a region, the scratch of a few threads, and a ring. */
const PAGES = 16

/** All structures that can be shown, with their settings. */
export const exhibits: readonly Exhibit[] = [...diodeExhibits, ...ringExhibits, monitorExhibit, statusExhibit]

/** `undefined`: there is no such exhibit. Throws where there is one, and not with these settings. */
export function exhibitNamed(name: string): ExhibitScenario | undefined {
  const id = name.split('/', 1)[0]
  const exhibit = exhibits.find((one) => one.id === id)
  if (exhibit === undefined) return undefined
  const settings = settingsIn(exhibit, name)
  return { name: exhibitName(exhibit, settings), pages: PAGES, ...exhibit.build(settings) }
}

export {
  type Exhibit,
  type ExhibitScenario,
  exhibitName,
  type Figure,
  type Setting,
  type Settings,
  settingsIn,
} from './exhibit.ts'
