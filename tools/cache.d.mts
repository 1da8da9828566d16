/** The folder `.cache/<group>/<name>-<version>`, with the package's node_modules in it; installed when missing. */
export function installed(group: string, name: string, version: string): string
