import { type Channel, channel } from 'node:diagnostics_channel'
import process from 'node:process'
import { invalid } from '../core/check.ts'
import { reportCallbackError } from '../core/errors.ts'
import type { Alert } from '../net/alerts.ts'

/** Anything with these methods: console, pino, bunyan, winston, ... */
export interface Logger {
  debug(...values: unknown[]): void
  info(...values: unknown[]): void
  warn(...values: unknown[]): void
  error(...values: unknown[]): void
}

type Level = keyof Logger

const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error']

/** Where an exporter says what it does. Costs next to nothing when nobody listens; never throws. */
export interface Log {
  /** Whether anybody would see what is said for debugging. */
  readonly listens: boolean
  /** To stderr under `NODE_DEBUG=spillway`, and to the logger. */
  debug(message: string): void
  alert(alert: LoggableAlert): void
}

/** What alerts of exporters and of collectors have in common. */
export interface LoggableAlert {
  readonly kind: string
  readonly message: string
  readonly state?: unknown
}

export function makeLog(logger?: Logger): Log {
  if (logger !== undefined) checkLogger(logger)
  return {
    listens: logger !== undefined || isDebugging(),
    debug(message) {
      if (isDebugging()) writeDebug(message)
      if (logger !== undefined) say(logger, 'debug', message)
    },
    alert(alert) {
      if (logger === undefined) return
      const { message, ...fields } = alert
      say(logger, levelOf(alert), message, fields)
    },
  }
}

function checkLogger(logger: Logger): void {
  const given = logger as Partial<Logger> | null
  if (LEVELS.every((level) => typeof given?.[level] === 'function')) return
  throw invalid(`logger must have the methods ${LEVELS.join(', ')}`)
}

/** A logger that throws is the user's to mend: said once, and survived. */
function say(logger: Logger, level: Level, message: string, fields?: object): void {
  const text = `spillway: ${message}`
  try {
    if (fields === undefined) logger[level](text)
    else if (takesFieldsFirst(logger)) logger[level]({ spillway: fields }, text)
    else logger[level](text, fields)
  } catch (error) {
    reportCallbackError('logger', logger, error)
  }
}

/**
 * pino, bunyan and what is modelled on them take the fields, then the message, and have `child`. So has winston, which takes
 * the message first as console does, and is known by its `transports`.
 */
function takesFieldsFirst(logger: Logger): boolean {
  return typeof (logger as { child?: unknown }).child === 'function' && !('transports' in logger)
}

function levelOf(alert: LoggableAlert): Level {
  switch (alert.kind) {
    case 'level':
      return alert.state === 'raised' ? 'warn' : 'info'
    case 'metadata':
      return 'debug'
    case 'address':
      return 'info'
    case 'io-thread':
      return 'error'
    default:
      return 'warn'
  }
}

// ---- NODE_DEBUG --------------------------------------------------------------------------------------------

const DEBUG_NAME = 'SPILLWAY'

let debugging: boolean | undefined

/** By hand: `util.debuglog` never speaks on Deno's main thread, and has no `enabled` in Bun. */
function isDebugging(): boolean {
  debugging ??= namesSpillway(nodeDebug())
  return debugging
}

function nodeDebug(): string {
  try {
    return process.env.NODE_DEBUG ?? ''
  } catch {
    return '' // Deno without the permission
  }
}

/** As Node reads it: names with commas between, in any case, `*` for any part of one. */
export function namesSpillway(list: string): boolean {
  return list.split(',').some((name) => {
    const parts = name.trim().split('*').map(escapeRegExp)
    return new RegExp(`^${parts.join('.*')}$`, 'i').test(DEBUG_NAME)
  })
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function writeDebug(message: string): void {
  console.error(`${DEBUG_NAME} ${process.pid}: ${message}`)
}

// ---- node:diagnostics_channel ------------------------------------------------------------------------------

const channels: Readonly<Record<Alert['kind'], Channel>> = {
  drop: channel('spillway:drop'),
  error: channel('spillway:error'),
  level: channel('spillway:level'),
  metadata: channel('spillway:metadata'),
  address: channel('spillway:address'),
  'io-thread': channel('spillway:io-thread'),
  warning: channel('spillway:warning'),
}

/** To whoever has subscribed to the alert's channel in this thread. A subscriber that throws becomes an uncaught exception, as Node has it. */
export function publishDiagnostics(alert: Alert): void {
  const subscribers = channels[alert.kind]
  if (subscribers.hasSubscribers) subscribers.publish(alert)
}
