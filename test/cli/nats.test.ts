import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { describeWith } from '../net/programs/program.ts'
import { NatsServer } from '../support/nats-server.ts'
import { collecting, lastRecord, run } from './support/command.ts'

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `{"i":${i}}\n`).join('')
const send = (port: number, input: string) =>
  run(['send', '--gudp', '--no-metadata', '--quiet', `127.0.0.1:${port}`], input)

describeWith(['nats-server'], 'spillway collect --to', () => {
  it('stores what it is sent, and its ledger says so', async () => {
    const server = await NatsServer.start()
    const to = `${server.url}/EVENTS`
    const { command, port } = await collecting('--to', to, '--gudp', '--exit-after-lines', '5000')
    expect((await send(port, numbered(5000))).code).toBe(0)
    const { code, stderr, stdout } = await command.ended
    expect([code, stdout.length]).toEqual([0, 0])
    expect(lastRecord(stderr)).toMatchObject({
      kind: 'ledger',
      sinks: [{ name: 'nats', handed: 5000, failed: 0, own: { stored: 5000, duplicates: 0 } }],
    })
    expect((await server.linesOf('EVENTS')).join('\n')).toBe(numbered(5000).trimEnd())
  })

  it('with a spool, without a server: nothing is lost, and the next run stores it', async () => {
    const server = await NatsServer.start()
    await server.kill()
    const spool = mkdtempSync(join(tmpdir(), 'spillway-spool-'))
    onTestFinished(() => rmSync(spool, { recursive: true, force: true }))
    const flags = ['--to', `${server.url}/EVENTS`, '--spool', spool, '--gudp']
    const first = await collecting(...flags, '--exit-after-lines', '300')
    await send(first.port, numbered(300))
    const { code, stderr } = await first.command.ended
    expect(code).toBe(0)
    expect(lastRecord(stderr)).toMatchObject({ sinks: [{ handed: 300, own: { stored: 0, spooled: 300 } }] })
    expect(readdirSync(spool)).toHaveLength(1)
    await server.restart()
    const second = await collecting(...flags, '--exit-after-lines', '1')
    await send(second.port, '{"i":300}\n')
    expect((await second.command.ended).code).toBe(0)
    expect((await server.linesOf('EVENTS')).join('\n')).toBe(numbered(301).trimEnd())
    expect(readdirSync(spool)).toEqual([])
  })

  it('credentials in the URL, and wrong ones', async () => {
    const server = await NatsServer.start('authorization { user: me, password: "p@ss" }')
    const right = `nats://me:p%40ss@127.0.0.1:${server.port}/EVENTS`
    const { command, port } = await collecting('--to', right, '--gudp', '--exit-after-lines', '1')
    await send(port, 'a\n')
    expect((await command.ended).code).toBe(0)
    const wrong = await run(['collect', '--port', '0', '--to', right.replace('p%40ss', 'other')])
    expect(wrong.code).toBe(3)
    expect(wrong.stderr).toContain('check the credentials')
  })
})

it.each([
  [['--to', 'http://127.0.0.1:4222/EVENTS'], 'nats://127.0.0.1:4222/EVENTS'],
  [['--to', 'nats://127.0.0.1:4222'], 'names no stream'],
  [['--to', 'nats://127.0.0.1:4222/a.b'], 'stream must be'],
  [['--to', 'nats://127.0.0.1:4222/E', '--subject', 'a.*'], 'subject must be'],
  [['--to', 'nats://127.0.0.1:4222/E', '--out', 'x'], 'one place'],
  [['--spool', 'x'], '--spool is for --to'],
])('spillway collect %j says what is wrong', async (flags, told) => {
  const { code, stderr } = await run(['collect', '--port', '0', ...flags])
  expect(stderr).toContain(told)
  expect(code).toBe(2)
})

it('credentials that cannot be read', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'spillway-creds-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  writeFileSync(join(dir, 'creds'), 'nothing of the kind')
  const flags = ['--port', '0', '--to', 'nats://127.0.0.1:4222/E']
  const absent = await run(['collect', ...flags, '--nats-creds', join(dir, 'absent')])
  expect(absent.stderr).toContain('cannot be read')
  expect(absent.code).toBe(2)
})
