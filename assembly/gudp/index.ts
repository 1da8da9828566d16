export { connectionCreate, connectionEnd, connectionFinish, connectionHasUsers, connectionWant, connectionWants } from './connection'
export { connectionNext, connectionReceive } from './machine'
