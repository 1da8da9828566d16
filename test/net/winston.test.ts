// winston's lines at a collector.
import { once } from 'node:events'
import { Collector } from 'spillway/collector'
import { UdpExporter } from 'spillway/udp'
import { SpillwayTransport } from 'spillway/winston'
import { expect, it, onTestFinished, vi } from 'vitest'
import winston from 'winston'

async function collecting() {
  const events: Record<string, unknown>[] = []
  const collector = await Collector.open({
    transport: 'gudp',
    sink: (lines) => {
      for (const line of lines) events.push(JSON.parse(line))
    },
  })
  onTestFinished(() => collector.close())
  return { collector, events, port: collector.address().port }
}

const target = (port: number) =>
  ({ host: '127.0.0.1', port, transport: 'gudp', metadata: false, capacity: 65_536 }) as const

it('each line is there when the logger has ended', async () => {
  const { collector, events, port } = await collecting()
  const transport = await SpillwayTransport.open(target(port))
  const logger = winston.createLogger({ format: winston.format.json(), transports: [transport] })
  for (let i = 0; i < 5000; i++) logger.info('an event', { i })
  logger.end()
  await once(logger, 'finish') // winston's own waits for its transports
  expect(transport.exporter.stats()).toMatchObject({ sent: 5000, dropped: 0 })
  await collector.close()
  expect(events.map(({ i }) => i)).toEqual(Array.from({ length: 5000 }, (_, i) => i))
  expect(events[0]).toEqual({ level: 'info', message: 'an event', i: 0 })
})

it('levels, formats and children; `logged` is emitted for each', async () => {
  const { collector, events, port } = await collecting()
  const exporter = await UdpExporter.open(target(port))
  onTestFinished(() => exporter.close())
  const upper = winston.format((info) => ({ ...info, message: String(info.message).toUpperCase() }))
  const transport = new SpillwayTransport({
    exporter,
    level: 'warn',
    format: winston.format.combine(upper(), winston.format.json()),
  })
  const logger = winston.createLogger({ level: 'debug', transports: [transport] })
  const logged = once(transport, 'logged')
  logger.debug('no')
  logger.child({ part: 'a' }).warn('yes')
  await logged
  logger.end()
  await once(transport, 'finish')
  expect(exporter.write('{"still":"open"}')).toBe(true)
  await exporter.close()
  await collector.close()
  expect(events).toEqual([{ level: 'warn', message: 'YES', part: 'a' }, { still: 'open' }])
})

it('keeps no info where nobody listens for `logged`', async () => {
  const { port } = await collecting()
  const transport = await SpillwayTransport.open(target(port))
  const schedule = vi.spyOn(globalThis, 'setImmediate')
  onTestFinished(() => schedule.mockRestore())
  transport.log({ level: 'info', message: 'unheard' }, () => {})
  expect(schedule).not.toHaveBeenCalled()
  transport.once('logged', () => {})
  transport.log({ level: 'info', message: 'heard' }, () => {})
  expect(schedule).toHaveBeenCalledOnce()
  await transport.exporter.close()
})

it('without a format the info itself is the event', async () => {
  const { collector, events, port } = await collecting()
  const transport = await SpillwayTransport.open(target(port))
  transport.log({ level: 'info', message: 'as it is', n: 1 }, () => {})
  await transport.exporter.flush()
  await collector.close()
  expect(events).toEqual([{ level: 'info', message: 'as it is', n: 1 }])
  await transport.exporter.close()
})

it('a closed exporter, and what is no JSON, are no errors of the logger’s', async () => {
  const { port } = await collecting()
  const transport = await SpillwayTransport.open(target(port))
  const errors: unknown[] = []
  transport.on('error', (error) => errors.push(error))
  let calls = 0
  transport.log({ big: 1n }, () => calls++)
  await transport.exporter.close()
  const logger = winston.createLogger({ transports: [transport] })
  logger.info('after the end')
  logger.end()
  await once(transport, 'finish')
  expect([calls, errors]).toEqual([1, []])
})

it('says what it needs', () => {
  expect(() => new SpillwayTransport({} as never)).toThrow(
    expect.objectContaining({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('open exporter'),
    }),
  )
})
