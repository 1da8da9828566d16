const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })

export function count(value: number): string {
  return whole.format(value)
}

/** For what has little room. */
export function brief(value: number): string {
  return short.format(value)
}

export function share(part: number, all: number): string {
  return all === 0 ? '0 %' : `${((part / all) * 100).toFixed(2)} %`
}

/** The time of day, by the clock of who looks. */
export function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString('en-GB')
}

export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 2) return 'now'
  if (seconds < 120) return `${seconds} s ago`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`
}
