// Beside the ABI, for who looks into memory: the model checker and the simulator. Nothing of it is in what ships.

export {
  ANSWERED_OFFSET, ASKED_OFFSET, CLIENT_FLAGS_OFFSET, ERROR_OFFSET, SERVER_FLAGS_OFFSET,
} from './descriptor'
export {
  CACHE_LINE, DEPARTURES_OFFSET, FIRST_GRANULE_OFFSET, GRANULE_BYTES, SCRATCH_BYTES, THREAD_KEY_OFFSET,
} from '../layout'
export { GENERATION_SHIFT, LIVE, STATE_BITS } from '../region/granules'
