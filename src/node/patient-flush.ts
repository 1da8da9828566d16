import { SpillwayError } from '../core/errors.ts'
import type { UdpExporter } from './udp.ts'

/** A network may be slow for as long as it likes, but when not one event has left in this time, none will. */
const STILL_MS = 30_000

/** Waits for everything accepted before to be out, however long that takes; rejects when it has come to a standstill. */
export async function patientFlush(exporter: UdpExporter, stillMs: number = STILL_MS): Promise<void> {
  for (;;) {
    const before = gone(exporter)
    try {
      return await exporter.flush({ timeoutMs: stillMs })
    } catch (error) {
      const isLate = error instanceof SpillwayError && error.code === 'ERR_TIMEOUT'
      if (!isLate || gone(exporter) === before) throw error
    }
  }
}

function gone(exporter: UdpExporter): number {
  const { sent, dropped } = exporter.stats()
  return sent + dropped
}
