export type RuntimeName = 'node' | 'deno' | 'bun'

export const versions: Record<RuntimeName, string>
export function ensureRuntime(name: RuntimeName): {
  name: RuntimeName
  version: string
  path: string
  args: readonly string[]
}
