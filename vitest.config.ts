import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** The tests run what ships: 'spillway' is dist, loaded by Node itself and not by vite. */
const shared = {
  resolve: {
    alias: {
      'spillway/sim': at('dist/sim/index.js'),
      'spillway/udp': at('dist/node/udp.js'),
      'spillway/sockets': at('dist/node/sockets.js'),
      'spillway/gudp': at('dist/node/gudp.js'),
      'spillway/collector': at('dist/node/collector.js'),
      'spillway/nats': at('dist/integrations/nats.js'),
      'spillway/pino': at('dist/integrations/pino.js'),
      'spillway/winston': at('dist/integrations/winston.js'),
      'spillway/otel': at('dist/integrations/otel.js'),
      'spillway/prometheus': at('dist/integrations/prometheus.js'),
      spillway: at('dist/node/index.js'),
    },
  },
}

const common = {
  environment: 'node' as const,
  // A process for each file, not a thread: in the threads pool the test would itself be a worker.
  pool: 'forks' as const,
  server: { deps: { external: [/\/dist\//] } },
  globalSetup: ['test/support/vitest-setup.ts'],
}

const project = (name: string, include: string[], seconds: number, options = {}) => ({
  ...shared,
  test: { ...common, name, include, testTimeout: seconds * 1000, hookTimeout: seconds * 1000, ...options },
})

/**
 * Two files of these at once: they wait for others most of their time, and none of them minds a neighbour. Not here is what measures
 * time, or sends without asking again and counts what comes.
 */
const waiting = {
  net: [
    ...['gudp-peer', 'gudp-wire', 'packet-layer'].map((name) => `test/conformance/${name}.test.ts`),
    ...[
      'addresses',
      'bundles',
      'gudp',
      'gudp-transport',
      'metrics',
      'metrics-server',
      'nats',
      'otel',
      'pino',
      'programs',
      'winston',
    ].map((name) => `test/net/${name}.test.ts`),
  ],
  cli: ['test/cli/!(demo|doctor|send-collect).test.ts'],
}

export default defineConfig({
  test: {
    watch: false,
    maxWorkers: 2,
    passWithNoTests: true,
    projects: [
      project('unit', ['test/unit/**/*.test.ts'], 30),
      project('model', ['test/model/**/*.test.ts'], 300),
      // Stress and runtimes have threads of their own: one file at a time.
      project('stress', ['test/stress/**/*.test.ts'], 120, { fileParallelism: false }),
      // Real sockets, processes and their ends: what mostly waits, and then what measures time, one file at a time.
      project('net', waiting.net, 120, { maxConcurrency: 4 }),
      project('net-alone', ['test/net/**/*.test.ts', 'test/conformance/**/*.test.ts'], 120, {
        exclude: waiting.net,
        fileParallelism: false,
        maxConcurrency: 4,
      }),
      project('cli', waiting.cli, 120),
      project('cli-alone', ['test/cli/**/*.test.ts'], 120, { exclude: waiting.cli, fileParallelism: false }),
      project('runtimes', ['test/runtimes/**/*.test.ts'], 300, { fileParallelism: false, maxConcurrency: 4 }),
      // What a user gets: the tarball, installed.
      project('package', ['test/package/**/*.test.ts'], 300),
      project('docs', ['test/docs/**/*.test.ts'], 120),
    ],
  },
})
