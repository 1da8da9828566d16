import { checkNumber, invalid } from '../core/check.ts'

/** When something is worth an alert of kind `level`, and when it is over. */
export interface AlertThresholds {
  /** Filled part of the ring at which `queue` is raised. */
  readonly queueRaise: number
  /** And at which it recovers. */
  readonly queueRecover: number
  /** `drop-rate` is raised when more than this part of what was offered within an interval is dropped. */
  readonly dropRate: number
  /** `peer` recovers when something was sent and for so long nothing was refused. */
  readonly peerRecoverMs: number
}

export const defaultThresholds: AlertThresholds = Object.freeze({
  queueRaise: 0.8,
  queueRecover: 0.5,
  dropRate: 0.01,
  peerRecoverMs: 1000,
})

const LONGEST_TIMER_MS = 2 ** 31 - 1

/** What the user gave, with the defaults for the rest. */
export function checkThresholds(given: Partial<AlertThresholds> | undefined): AlertThresholds {
  const thresholds = { ...defaultThresholds, ...given }
  for (const name of ['queueRaise', 'queueRecover', 'dropRate'] as const) {
    checkNumber(`the threshold ${name}`, thresholds[name], 0, 1)
  }
  if (thresholds.queueRecover >= thresholds.queueRaise) {
    throw invalid(
      'the threshold queueRecover must be less than queueRaise: between them the level stays as it is',
    )
  }
  checkNumber('the threshold peerRecoverMs', thresholds.peerRecoverMs, 0, LONGEST_TIMER_MS)
  return thresholds
}

/**
 * How much of what is offered gets lost, by windows. A window in which nothing is lost costs nothing and needs no timer:
 * it is replaced when somebody looks, so that what is lost is held against what was offered around the same time.
 */
export class DropRateWindow {
  #startMs = Number.NEGATIVE_INFINITY
  #offeredBefore = 0
  #droppedBefore = 0
  #offeredSeen = 0

  /** Somebody looks, before anything new is counted as lost. `isOpenEnded`: nothing was lost in this window. */
  observe(nowMs: number, intervalMs: number, offered: number, dropped: number, isOpenEnded: boolean): void {
    // From what was last seen, not from now: what is about to be reported as lost was offered between the two.
    if (isOpenEnded && nowMs - this.#startMs >= intervalMs) this.#begin(nowMs, this.#offeredSeen, dropped)
    this.#offeredSeen = offered
  }

  endMs(intervalMs: number): number {
    return this.#startMs + intervalMs
  }

  /** The part that was lost in the window, from 0 to 1. The next one begins. */
  end(nowMs: number, offered: number, dropped: number): number {
    const lost = dropped - this.#droppedBefore
    const rate = lost === 0 ? 0 : Math.min(1, lost / Math.max(1, offered - this.#offeredBefore))
    this.#begin(nowMs, offered, dropped)
    this.#offeredSeen = offered
    return rate
  }

  #begin(nowMs: number, offered: number, dropped: number): void {
    this.#startMs = nowMs
    this.#offeredBefore = offered
    this.#droppedBefore = dropped
  }
}
