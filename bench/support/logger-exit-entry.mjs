// A program that logs and is over in the same turn of the event loop.
import { clients } from './clients.mjs'
import { eventOf } from './events.mjs'
import { options, tellCpuAtExit } from './helper-end.mjs'

const { name, port, lines } = options
const { offer } = await clients[name].open(port)
tellCpuAtExit()
for (let i = 0; i < lines; i++) offer(eventOf(i))
process.exit(0)
