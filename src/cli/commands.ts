import { collect } from './collect.ts'
import type { Command } from './command.ts'
import { demo } from './demo.ts'
import { doctor } from './doctor.ts'
import { gudpEcho } from './gudp-echo.ts'
import { ping } from './ping.ts'
import { send } from './send.ts'

/** Every subcommand: one file each, and one line here. */
export const commands: Readonly<Record<string, Command>> = {
  send,
  collect,
  demo,
  doctor,
  ping,
  'gudp-echo': gudpEcho,
}
