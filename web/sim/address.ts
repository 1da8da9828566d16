/** What a link says: the part of the address behind `#`. */
export interface Address {
  /** A scenario's name, or a schedule; or `gudp?…`. */
  readonly run: string
  /** A planted bug. */
  readonly plant?: string
  /** Where to stop in the schedule; default: at its end. */
  readonly at?: number
  readonly tour?: string
  /** Of the tour, from 1 on. */
  readonly step?: number
}

/** `one-to-one/capacity=2:0*3,1&plant=x&at=2`: a schedule as it is printed is an address. */
export function parseAddress(hash: string): Address {
  const text = decode(hash.replace(/^#/, ''))
  const gudp = /^gudp(\?|$)/.test(text)
  const [run = '', ...pairs] = gudp ? [text] : text.split('&')
  const more = new Map(pairs.map((pair) => pair.split('=') as [string, string]))
  const number = (name: string) => (/^\d+$/.test(more.get(name) ?? '') ? Number(more.get(name)) : undefined)
  const [plant, tour, at, step] = [more.get('plant'), more.get('tour'), number('at'), number('step')]
  return {
    run,
    ...(plant !== undefined && { plant }),
    ...(tour !== undefined && { tour }),
    ...(at !== undefined && { at }),
    ...(step !== undefined && { step }),
  }
}

export function formatAddress({ run, plant, at, tour, step }: Address): string {
  const pairs = Object.entries({ plant, at, tour, step }).filter(([, value]) => value !== undefined)
  return `#${[run, ...pairs.map(([name, value]) => `${name}=${value}`)].join('&')}`
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The scenario of a run, and its schedule if it has one. */
export function scenarioIn(run: string): string {
  const colon = run.lastIndexOf(':')
  return colon < 0 ? run : run.slice(0, colon)
}
