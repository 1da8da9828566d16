// Bundles the suite for where it runs without vitest: build/test/*.mjs for Node, Deno and Bun, and one page for browsers.
import { mkdirSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
const outdir = fileURLToPath(new URL('../../build/test', import.meta.url))

const common: BuildOptions = {
  absWorkingDir: root,
  outdir,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  sourcemap: 'inline',
  logLevel: 'silent',
}

/** What a worker of Node 20 starts with must be JavaScript. 'spillway' stays an import: the runtime resolves it. */
export async function bundleForNode(): Promise<void> {
  linkPackage()
  await build({
    ...common,
    entryPoints: {
      thread: 'test/support/hosts/thread-node.ts',
      main: 'test/runtimes/main-node.ts',
      collector: 'test/runtimes/collector-node.ts',
      'sockets-thread': 'test/support/hosts/sockets-thread-node.ts',
      sockets: 'test/runtimes/sockets-node.ts',
      'gudp-thread': 'test/support/hosts/gudp-thread-node.ts',
      'gudp-peer': 'test/net/gudp/peer.ts',
      gudp: 'test/runtimes/gudp-node.ts',
      security: 'test/runtimes/security-node.ts',
      'lanes-thread': 'test/support/hosts/lanes-thread-node.ts',
    },
    ignoreAnnotations: true, // package.json's `sideEffects` speaks of dist; taken for src it would drop src/node/thread-host.ts
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    external: ['spillway', 'spillway/*'],
  })
}

/** In a browser there is no resolver, so dist is bundled in, by the package's own `default` export. */
export async function bundleForWeb(): Promise<Record<string, string>> {
  const { outputFiles } = await build({
    ...common,
    entryPoints: {
      'web/thread': 'test/support/hosts/thread-web.ts',
      'web/main': 'test/runtimes/main-web.ts',
    },
    platform: 'browser',
    conditions: ['browser'],
    write: false,
  })
  return Object.fromEntries(
    outputFiles.map(({ path, text }) => [path.replaceAll('\\', '/').replace(/^.*\/build\/test/, ''), text]),
  )
}

/** build/test/node_modules/spillway is this package, so that every runtime finds it as an installed one is found. */
function linkPackage(): void {
  mkdirSync(`${outdir}/node_modules`, { recursive: true })
  const target = process.platform === 'win32' ? root : '../../..'
  try {
    symlinkSync(target, `${outdir}/node_modules/spillway`, 'junction')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
