import { collect } from './collect.ts'
import type { Command } from './command.ts'
import { demo } from './demo.ts'
import { doctor } from './doctor.ts'
import { gudpEcho } from './gudp-echo.ts'
import { ping } from './ping.ts'
import { send } from './send.ts'
import { sim } from './sim.ts'

/** Every subcommand: one file each, and one line here. */
export const commands: Readonly<Record<string, Command>> = {
  send,
  collect,
  demo,
  sim,
  doctor,
  ping,
  'gudp-echo': gudpEcho,
}
