export interface FigureRef {
  name: string
  variant: string
  item: string
  figure: string
}
export interface Peer {
  name: string
  constant: number
  item?: undefined
  figure?: undefined
}
export interface Row {
  group: 'exporter' | 'core' | 'sockets' | 'gudp' | 'nats' | 'loggers'
  target: string
  what: string
  of: FigureRef
  to?: FigureRef | Peer
  as: 'ratio' | 'difference' | 'value'
  want?: string
  stretch?: string
  cell?: { head: string; column: string }
}
export const groups: Record<Row['group'], string>
export const rows: Row[]
export function meets(value: number, bound: string): boolean
export function itemsOf(rows: Row[]): Map<string, { name: string; variant: string }>
