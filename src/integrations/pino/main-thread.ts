import { parentPort, workerData } from 'node:worker_threads'
import type { Alert } from '../../net/alerts.ts'

/**
 * Tells whoever has called `pino.transport`, where pino's thread-stream passes events on: `stream.on('alert', ...)`. It does so
 * from 2.2 on; one before would end the worker over a message that it does not know.
 */
export function tellMainThread(alert: Alert): void {
  if (passesEventsOn()) parentPort?.postMessage({ code: 'EVENT', name: 'alert', args: [alert] })
}

function passesEventsOn(): boolean {
  const data = workerData as { workerData?: { $context?: { threadStreamVersion?: unknown } } } | null
  const version = String(data?.workerData?.$context?.threadStreamVersion)
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 2 || (major === 2 && minor >= 2)
}
