import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { examplesIn, pageOf, runExample } from '../support/docs-example.ts'

const examples = examplesIn(pageOf('docs/migration.md'))
const [before, after, direct, targets, statsd, seed] = examples

/** Runs an example beside an agent: the datagrams that it gets. */
async function datagramsOf(code: string): Promise<string[]> {
  const agent = createSocket('udp4')
  onTestFinished(() => {
    agent.close()
  })
  const datagrams: string[] = []
  agent.on('message', (bytes) => datagrams.push(bytes.toString()))
  agent.bind(0, '127.0.0.1')
  await once(agent, 'listening')
  const env = { PORT: String(agent.address().port) }
  const { stdout, stderr } = await runExample(code, { libraries: ['pino', 'pino-socket'], env })
  expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' })
  await expect.poll(() => datagrams.length).toBeGreaterThan(0)
  return datagrams
}

describe('docs/migration.md', () => {
  it('has as many examples as are looked at', () => {
    expect(examples).toHaveLength(6)
  })

  it.each([
    ['pino-socket', before],
    ['the transport', after],
    ['the destination', direct],
    ['one of several targets', targets],
  ])('an agent gets the same from %s', async (_, code) => {
    const datagrams = await datagramsOf(code!)
    expect(datagrams).toHaveLength(1)
    expect(datagrams[0]!.endsWith('\n')).toBe(true)
    expect(JSON.parse(datagrams[0]!)).toMatchObject({ level: 30, user: 42, msg: 'login' })
  })

  it('sends lines of StatsD as they are, several in a datagram', async () => {
    expect(await datagramsOf(statsd!)).toEqual(['jobs.done:1|c|#queue:mail\njobs.ms:12|ms\n'])
  })

  it('has the wire of the Go original: metadata first, then one event a datagram', async () => {
    const [metadata, ...events] = await datagramsOf(seed!)
    const fields = Object.keys(JSON.parse(metadata!))
    expect(fields).toEqual([
      'event',
      'os',
      'uptime',
      'hostname',
      'udp_destination',
      'udp_buffer_size',
      'team',
    ])
    expect(metadata).toMatch(/^\{"event":"agent_init",.*"uptime":"initialized at 0",.*\}\n$/)
    expect(events).toEqual(['{"process_exec":{"pid":7,"binary":"/usr/bin/curl"}}\n', '{"raw":true}\n'])
  })
})
