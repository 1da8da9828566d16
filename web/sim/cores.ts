import type { Instrumented } from '../../src/sim/instrument.ts'
import { unpackInstrumented } from '../../src/sim/packed.ts'

/** A bug that was planted when the page was built, and where it shows. */
export interface Plant {
  readonly name: string
  readonly what: string
  readonly scenario: string
  readonly kills: 0 | 1
  /** It fails in nothing but a data race. */
  readonly isRace: boolean
}

const loaded = new Map<string, Promise<Instrumented>>()

/** A module, as it ships or with a bug planted in it. */
export function coreOf(module: string, plant: string | undefined): Promise<Instrumented> {
  const path = plant === undefined ? `${module}.sim.wasm` : `plants/${plant}.sim.wasm`
  const known = loaded.get(path)
  if (known !== undefined) return known
  const loading = fetched(path).then(async (response) =>
    unpackInstrumented(new Uint8Array(await response.arrayBuffer())),
  )
  loaded.set(path, loading)
  loading.catch(() => loaded.delete(path))
  return loading
}

export async function plantList(): Promise<readonly Plant[]> {
  return (await fetched('plants/list.json')).json() as Promise<readonly Plant[]>
}

async function fetched(path: string): Promise<Response> {
  const response = await fetch(path)
  if (!response.ok)
    throw new Error(`${path}: ${response.status}. Is the page whole? npm run sim builds and serves it`)
  return response
}
