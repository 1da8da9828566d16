import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'

/** A record as a line of JSON has it, under the names of OpenTelemetry's data model. What a record has not is left out. */
export interface LogEvent {
  /** RFC 3339, to the nanosecond. */
  timestamp: string
  severityText?: string
  severityNumber?: number
  body?: unknown
  eventName?: string
  attributes?: object
  resource?: object
  scope?: { name: string; version?: string }
  traceId?: string
  spanId?: string
  traceFlags?: number
}

export function eventOf(record: ReadableLogRecord): LogEvent {
  const { severityText, severityNumber, body, eventName, attributes, resource, spanContext } = record
  const { name, version } = record.instrumentationScope
  return {
    timestamp: timestampOf(record.hrTime),
    ...(severityText !== undefined && { severityText }),
    ...(severityNumber !== undefined && { severityNumber }),
    ...(body !== undefined && { body }),
    ...(eventName !== undefined && { eventName }),
    ...(isEmpty(attributes) ? {} : { attributes }),
    ...(isEmpty(resource.attributes) ? {} : { resource: resource.attributes }),
    ...(name !== '' && { scope: { name, ...(version !== undefined && { version }) } }),
    ...(spanContext && {
      traceId: spanContext.traceId,
      spanId: spanContext.spanId,
      traceFlags: spanContext.traceFlags,
    }),
  }
}

function isEmpty(attributes: object): boolean {
  for (const _ in attributes) return false
  return true
}

function timestampOf([seconds, nanoseconds]: readonly [number, number]): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19)
  return `${whole}.${String(nanoseconds).padStart(9, '0')}Z`
}

/**
 * JSON of whatever somebody has put into a record: what JSON does not have becomes text, and what refers to itself is cut off there. Throws
 * where that leaves nothing.
 */
export function lineOf(event: unknown): string {
  if (typeof event === 'string') return event
  const line = jsonOf(event)
  if (line !== undefined) return line
  throw new TypeError(`toEvent made ${typeof event} of it, for which there is no JSON`)
}

function jsonOf(event: unknown): string | undefined {
  try {
    return JSON.stringify(event, asJson)
  } catch {
    return JSON.stringify(event, withoutCircles())
  }
}

/** `this` has the value as it was: a Buffer comes as what its `toJSON` makes of it. */
function asJson(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  const given = (this as Record<string, unknown>)[key]
  if (given instanceof Uint8Array) return Buffer.from(given).toString('base64')
  return value
}

/** `this` is the object that has the value: those above it are its ancestors. */
function withoutCircles(): (this: unknown, key: string, value: unknown) => unknown {
  const ancestors: unknown[] = []
  return function (key, value) {
    while (ancestors.length > 0 && ancestors.at(-1) !== this) ancestors.pop()
    if (ancestors.includes(value)) return '[circular]'
    if (typeof value === 'object' && value !== null) ancestors.push(value)
    return asJson.call(this, key, value)
  }
}
