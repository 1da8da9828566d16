import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { run } from './support/command.ts'

const manifest = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8'),
)

describe('help', () => {
  it('of the command names every subcommand', async () => {
    for (const flag of ['--help', '-h']) {
      const { code, stdout, stderr } = await run([flag])
      expect([code, stderr]).toEqual([0, ''])
      for (const name of Object.keys(commands))
        expect(String(stdout)).toMatch(new RegExp(`^ {2}${name} `, 'm'))
    }
  })

  it('of each subcommand has its flags, examples and exit codes', async () => {
    for (const [name, { flags }] of Object.entries(commands)) {
      const { code, stdout } = await run([name, '--help'])
      expect(code).toBe(0)
      const text = String(stdout)
      expect(text).toContain(`Usage: spillway ${name} [flags]`)
      expect(text).toMatch(new RegExp(`Examples:\n.*spillway ${name}`))
      expect(text).toMatch(/Exit codes:\n {2}0 .*\n[\s\S]*^ {2}1 .*\n[\s\S]*^ {2}2 .*\n[\s\S]*^ {2}3 /m)
      for (const [flag, { defaultText }] of Object.entries(flags)) {
        expect(text).toMatch(new RegExp(`^ {2}--${flag} `, 'm'))
        if (defaultText !== undefined) expect(text.replace(/\s+/g, ' ')).toContain(`Default: ${defaultText}.`)
      }
      // Plain where it is no terminal.
      expect(text).not.toContain('\u001b')
    }
  })

  it('has the version', async () => {
    const { code, stdout } = await run(['--version'])
    expect([code, String(stdout)]).toEqual([0, `${manifest.version}\n`])
  })
})

describe('a wrong call', () => {
  const calls: readonly (readonly [args: string[], says: RegExp])[] = [
    [[], /there are send, collect, demo, sim, doctor, ping, gudp-echo/],
    [['sned'], /no such command: sned; there are send, collect, demo/],
    [['--colour'], /no such flag: --colour/],
    [['toString'], /no such command/],
    [['send'], /<host:port>/],
    [['send', 'a:1', 'b:2'], /<host:port>/],
    [['send', '10.0.0.7'], /host:port/],
    [['send', '::1:9999'], /\[v6 address\]:port/],
    [['send', '--colour', 'a:1'], /--colour.*There are: .*--max-datagram/],
    [['send', '--rate', 'fast', '127.0.0.1:9'], /--rate must be a number/],
    [['send', '--preset', 'nobody', '127.0.0.1:9'], /--preset must be one of .*vector/],
    [['send', '--field', 'novalue', '127.0.0.1:9'], /--field must be key=value/],
    [['send', '--field', 'a=b', '--no-metadata', '127.0.0.1:9'], /--no-metadata/],
    [['collect', 'here'], /nothing beside flags/],
    [['collect', '--port', '70000'], /--port/],
    [['collect', '--allow', '10.0.0.0/99'], /10\.0\.0\.0\/99/],
    [['send', '--secret-file', 'x', '127.0.0.1:9'], /--secret-file is for --gudp/],
    [['collect', '--secret-file', 'x'], /--secret-file is for --gudp/],
    [
      ['collect', '--metrics', 'here'],
      /--metrics must be a port, host:port or \[v6 address\]:port, not 'here'/,
    ],
    [['send', '--metrics', '70000', '127.0.0.1:9'], /--metrics must be a port/],
    [['ping'], /<host:port>/],
    [['ping', '--size', '7', '127.0.0.1:9'], /--size must be a number from 8/],
    [['gudp-echo', 'a:1', 'b:2'], /\[host:port\]/],
    [['gudp-echo', '127.0.0.1'], /host:port/],
    [['doctor', 'a:1', 'b:2'], /\[host\[:port\]\]/],
    [['doctor', 'host:x'], /host:port/],
    [['doctor', 'a host'], /a target is host, host:port/],
    [['doctor', '--role', 'rest'], /--role must be one of send, collect, both/],
    [['doctor', '--seconds', '-1'], /--seconds/],
    [['sim', 'one-to-one: 0'], /a schedule has no spaces/],
    [['sim', 'one-to-one:0', '--out', '/dev/null/a'], /with --out leave it out/],
    [['sim', '--host', ''], /host must be/],
    [['sim', '--port', '65536'], /--port must be a number from 0 to 65535/],
    [['demo', '--threads', '0'], /--threads must be a number from 1/],
    [['demo', '--drop', '100'], /--drop/],
  ]

  for (const [args, says] of calls) {
    it(`is told what is wrong: spillway ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await run(args)
      expect(stderr).toMatch(says)
      expect(stderr).toMatch(/Try: spillway( send| collect| demo| sim| doctor| ping| gudp-echo)? --help\n$/)
      expect([code, String(stdout)]).toEqual([2, ''])
    })
  }
})

describe('what cannot start', () => {
  it('says why, with exit code 3', async () => {
    const cases: readonly (readonly [args: string[], says: RegExp])[] = [
      [['send', 'no-such-host.invalid:9999'], /no-such-host\.invalid/],
      [['collect', '--port', '0', '--out', '/no/such/folder/x'], /\/no\/such\/folder\/x/],
      [['collect', '--host', '192.0.2.1'], /192\.0\.2\.1/],
      [['demo', '--out', fileURLToPath(import.meta.url)], /EEXIST/],
      [['ping', 'no-such-host.invalid:9999'], /no-such-host\.invalid/],
      [['gudp-echo', '192.0.2.1:0'], /192\.0\.2\.1/],
      [['send', '--gudp', '--secret-file', '/no/such/file', '127.0.0.1:9'], /\/no\/such\/file/],
    ]
    for (const [args, says] of cases) {
      const { code, stderr } = await run(args)
      expect(stderr).toMatch(says)
      expect(code, stderr).toBe(3)
    }
  })
})
