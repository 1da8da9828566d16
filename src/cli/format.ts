/** `1,234,567` */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** `1 thread`, `4 threads` */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** `1,234/s` */
export function perSecond(value: number): string {
  return `${count(value)}/s`
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** `27.1 MB`, by thousands. */
export function byteCount(value: number): string {
  let unit = 0
  let scaled = value
  // 999.95 would be shown as 1000.0.
  while (scaled >= 999.95 && unit < BYTE_UNITS.length - 1) {
    scaled /= 1000
    unit++
  }
  return `${unit === 0 ? Math.round(scaled) : scaled.toFixed(1)} ${BYTE_UNITS[unit]}`
}

/** `19.97 %`; of nothing, nothing. */
export function percent(part: number, whole: number): string {
  return `${(whole > 0 ? (100 * part) / whole : 0).toFixed(2)} %`
}

/** `12.3 s` */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/** A little chart, the highest value at full height. */
export function sparkline(values: readonly number[]): string {
  const top = Math.max(1, ...values)
  return values.map((value) => BLOCKS[Math.round((Math.max(0, value) / top) * 7)]).join('')
}

/** A filled bar of so many characters. */
export function bar(part: number, whole: number, width: number): string {
  const filled = whole > 0 ? Math.min(width, Math.ceil((width * part) / whole)) : 0
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}
