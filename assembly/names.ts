// Beside the ABI, for who looks into memory: the model checker and the simulator. Nothing of it is in what ships.

export {
  CURSOR_OFFSET, POLLER_OWNER_OFFSET, POLLER_READ_OFFSET, TURN_OFFSET,
} from './diode/descriptor'
export { DEPARTURES_OFFSET, THREAD_BELL_OFFSET } from './layout'
export { GENERATION_SHIFT, LIVE, STATE_BITS } from './region/granules'
