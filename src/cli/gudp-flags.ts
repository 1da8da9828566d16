import { readFileSync } from 'node:fs'
import process from 'node:process'
import { messageOf } from '../core/errors.ts'
import { CommandFailure, exitCode, usageError } from './exit.ts'
import { given, text } from './flags.ts'

interface GudpValues {
  readonly gudp: boolean
  readonly 'secret-file': string | undefined
}

const ENVIRONMENT = 'SPILLWAY_GUDP_SECRET'

/** A secret on the command line could be read by everybody on the machine: it is in a file, or in the environment. */
export const secretFile = text(
  '<file>',
  `Encrypt, with the secret that stands in this file on both sides. Or set ${ENVIRONMENT}.`,
  undefined,
)

/** As `secure` of gudp; `undefined`: in the clear. */
export function secureOf(file: string | undefined): { secret: string } | undefined {
  const secret = file === undefined ? process.env[ENVIRONMENT] : readSecret(file)
  return secret === undefined || secret === '' ? undefined : { secret }
}

/** How lines travel, as exporters and collectors take it. */
export function gudpOptions({ gudp, 'secret-file': file }: GudpValues): {
  transport?: 'gudp'
  gudp?: { secure?: { secret: string } }
} {
  if (gudp) return { transport: 'gudp', gudp: given({ secure: secureOf(file) }) }
  if (file !== undefined) throw usageError('--secret-file is for --gudp: plain UDP is not encrypted')
  return {}
}

function readSecret(file: string): string {
  let secret: string
  try {
    secret = readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new CommandFailure(exitCode.cannotStart, `the secret cannot be read: ${messageOf(error)}`)
  }
  if (secret !== '') return secret
  throw new CommandFailure(
    exitCode.cannotStart,
    `there is no secret in ${file}: make one with openssl rand -base64 32 > ${file}`,
  )
}
