// Beside the ABI, for who looks into memory: the model checker and the simulator. Nothing of it is in what ships.

export {
  ANSWERED_OFFSET, ASKED_OFFSET, CLIENT_FLAGS_OFFSET, ERROR_OFFSET, SERVER_FLAGS_OFFSET,
} from './descriptor'
export { DEPARTURES_OFFSET, SCRATCH_BYTES } from '../layout'
export { GENERATION_SHIFT, LIVE, STATE_BITS } from '../region/granules'
