// Beside the ABI, for who looks into memory: the model checker and the simulator. Nothing of it is in what ships.

export { GENERATION_SHIFT, LIVE, STATE_BITS } from '../region/granules'
