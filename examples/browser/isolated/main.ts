// With shared memory, both halves of the page; without, what is to be done about it.
import '../shared/style.css'
import { byId } from '../shared/figures.ts'
import { startJobs } from './jobs.ts'
import { startPointer } from './pointer.ts'

byId(crossOriginIsolated ? 'app' : 'needs-isolation').hidden = false
if (crossOriginIsolated) {
  startJobs()
  startPointer()
}
