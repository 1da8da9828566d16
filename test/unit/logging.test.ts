import { spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Alert } from '../../src/net/alerts.ts'
import { type Logger, makeLog, namesSpillway, publishDiagnostics } from '../../src/node/logging.ts'

const alerts: Record<Alert['kind'], Alert> = {
  drop: { kind: 'drop', reason: 'full', events: 3, total: 3, sinceMs: 0, message: '3 dropped' },
  error: {
    kind: 'error',
    code: 'EMSGSIZE',
    times: 1,
    events: 0,
    total: 1,
    totalEvents: 0,
    message: 'too long',
  },
  level: { kind: 'level', name: 'queue', state: 'raised', value: 0.9, threshold: 0.8, message: 'filling' },
  metadata: { kind: 'metadata', message: 'sent' },
  address: { kind: 'address', message: 'moved', address: '10.0.0.1' },
  'io-thread': { kind: 'io-thread', message: 'ended' },
  warning: { kind: 'warning', message: 'look' },
}

/** Writes down what it is called with. */
function recorder(extra: object = {}) {
  const calls: unknown[][] = []
  const note =
    (level: string) =>
    (...values: unknown[]) =>
      void calls.push([level, ...values])
  const logger: Logger = {
    debug: note('debug'),
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
    ...extra,
  }
  return { logger, calls }
}

describe('a logger', () => {
  it('like console gets the message, then the fields', () => {
    const { logger, calls } = recorder()
    const log = makeLog(logger)
    log.debug('hello')
    log.alert(alerts.drop)
    const { message: _, ...fields } = alerts.drop
    expect(calls).toEqual([
      ['debug', 'spillway: hello'],
      ['warn', 'spillway: 3 dropped', fields],
    ])
  })

  it('like pino gets the fields, then the message; one like winston does not', () => {
    const pino = recorder({ child() {} })
    makeLog(pino.logger).alert(alerts.address)
    expect(pino.calls).toEqual([
      ['info', { spillway: { kind: 'address', address: '10.0.0.1' } }, 'spillway: moved'],
    ])
    const winston = recorder({ child() {}, transports: [] })
    makeLog(winston.logger).alert(alerts.address)
    expect(winston.calls).toEqual([['info', 'spillway: moved', { kind: 'address', address: '10.0.0.1' }]])
  })

  it('gets each alert at a level that fits', () => {
    const { logger, calls } = recorder()
    const log = makeLog(logger)
    for (const alert of Object.values(alerts)) log.alert(alert)
    log.alert({ ...alerts.level, state: 'recovered' } as Alert)
    expect(calls.map(([level]) => level)).toEqual([
      'warn',
      'warn',
      'warn',
      'debug',
      'info',
      'error',
      'warn',
      'info',
    ])
  })

  it('is called as the method that it is', () => {
    class Own implements Logger {
      readonly said: unknown[] = []
      debug(text: unknown) {
        this.said.push(text)
      }
      info() {}
      warn() {}
      error() {}
    }
    const own = new Own()
    makeLog(own).debug('x')
    expect(own.said).toEqual(['spillway: x'])
  })

  it('that throws is reported once, and survived', async () => {
    const warnings: Error[] = []
    const listen = (warning: Error) => void warnings.push(warning)
    process.on('warning', listen)
    const cause = new Error('full disk')
    const { logger } = recorder({
      debug() {
        throw cause
      },
      warn() {
        throw cause
      },
    })
    const log = makeLog(logger)
    log.debug('one')
    log.debug('two')
    log.alert(alerts.drop)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', listen)
    expect(warnings.map(({ cause }) => cause)).toEqual([cause])
  })

  it('is not needed', () => {
    const log = makeLog()
    log.debug('nobody hears it')
    log.alert(alerts.drop)
  })

  it('is refused when it lacks a method', () => {
    const { logger } = recorder()
    for (const wrong of [null, 5, {}, { ...logger, warn: undefined }, { ...logger, debug: true }]) {
      expect(() => makeLog(wrong as unknown as Logger)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('debug') }),
      )
    }
  })
})

describe('NODE_DEBUG', () => {
  it('names spillway as it would name a module of Node', () => {
    for (const list of ['spillway', 'SPILLWAY', 'http, Spillway', '*', 'spill*', 'net,s*way']) {
      expect(namesSpillway(list), list).toBe(true)
    }
    for (const list of ['', 'http', 'spillways', 'spill', 'spill.ay', 's(', '.*']) {
      expect(namesSpillway(list), list).toBe(false)
    }
  })

  let script: string
  beforeAll(async () => {
    const entry = fileURLToPath(new URL('../../src/node/logging.ts', import.meta.url))
    const contents = `import { makeLog } from ${JSON.stringify(entry)}; makeLog().debug('hello')`
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: '/' },
      bundle: true,
      format: 'esm',
      external: ['node:*'],
      write: false,
    })
    script = outputFiles[0]!.text
  })

  const stderrOf = (nodeDebug: string) =>
    new Promise<string>((resolve, reject) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        env: { ...process.env, NODE_DEBUG: nodeDebug },
      })
      let text = ''
      child.stderr.on('data', (chunk) => (text += chunk))
      child.on('error', reject)
      child.on('close', () => resolve(text))
    })

  it('brings what is said for debugging to stderr, and only if it names us', async () => {
    expect(await stderrOf('spillway')).toMatch(/^SPILLWAY \d+: hello$/m)
    expect(await stderrOf('')).toBe('')
  })
})

describe('diagnostics channels', () => {
  const subscriptions: [string, (message: unknown) => void][] = []
  afterEach(() => {
    for (const [name, listener] of subscriptions.splice(0)) unsubscribe(name, listener)
  })

  it('bring each alert to those who have subscribed to its kind', () => {
    const heard: unknown[] = []
    for (const kind of Object.keys(alerts)) {
      const listener = (message: unknown) => void heard.push([kind, message])
      subscribe(`spillway:${kind}`, listener)
      subscriptions.push([`spillway:${kind}`, listener])
    }
    for (const alert of Object.values(alerts)) publishDiagnostics(alert)
    expect(heard).toEqual(Object.entries(alerts))
  })

  it('say nothing to those who no longer have', () => {
    const heard: unknown[] = []
    const listener = (message: unknown) => void heard.push(message)
    subscribe('spillway:drop', listener)
    publishDiagnostics(alerts.drop)
    unsubscribe('spillway:drop', listener)
    publishDiagnostics(alerts.drop)
    expect(heard).toEqual([alerts.drop])
  })
})
