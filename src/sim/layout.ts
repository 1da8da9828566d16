import type { CoreExports, StateView } from './program.ts'

/** The constants that a module exports, by name: no offset is written twice. */
export type Layout = Readonly<Record<string, number>>

const read = new WeakMap<CoreExports, Layout>()

export function layoutOf({ core }: Pick<StateView, 'core'>): Layout {
  const known = read.get(core)
  if (known !== undefined) return known
  const layout: Record<string, number> = {}
  for (const [name, item] of Object.entries(core) as [string, unknown][]) {
    if (item instanceof WebAssembly.Global) layout[name] = Number(item.value)
  }
  read.set(core, layout)
  return layout
}
