// Beside the ABI, for who looks into memory: the model checker and the simulator. Nothing of it is in what ships.

export { CACHE_LINE, FIRST_GRANULE_OFFSET, GRANULE_BYTES, THREAD_KEY_OFFSET } from '../layout'
export { GENERATION_SHIFT, LIVE, STATE_BITS } from '../region/granules'
export { FIRST_SHIFT, WORKING_BITS } from '../sync/status'
