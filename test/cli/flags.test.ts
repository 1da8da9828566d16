import { describe, expect, it } from 'vitest'
import { defineCommand } from '../../src/cli/command.ts'
import { parseEndpoint, renderEndpoint } from '../../src/cli/endpoint.ts'
import { CommandFailure } from '../../src/cli/exit.ts'
import {
  bytes,
  choice,
  given,
  integer,
  list,
  listening,
  listeningAt,
  number,
  parseFlags,
  text,
  toggle,
} from '../../src/cli/flags.ts'
import { renderHelp } from '../../src/cli/help.ts'

const flags = {
  name: text('<name>', 'A name.', 'nobody'),
  lines: integer('<n>', { from: 1, to: 10 }, 'Lines.', undefined),
  rate: number('<n>', { from: 0.5 }, 'A rate.', 1),
  size: bytes({ from: 1, to: 2 ** 30 }, 'A size.', undefined),
  mode: choice('<mode>', ['fast', 'slow'], 'A mode.', undefined),
  field: list('<key=value>', 'Fields.'),
  quiet: toggle('No words.'),
}

const parse = (...args: string[]) => parseFlags(args, flags)

function problem(...args: string[]): string {
  try {
    parse(...args)
  } catch (error) {
    expect(error).toBeInstanceOf(CommandFailure)
    expect((error as CommandFailure).exitCode).toBe(2)
    return (error as Error).message
  }
  throw new Error(`${args.join(' ')} was accepted`)
}

describe('flags', () => {
  it('have their defaults', () => {
    expect(parse()).toEqual({
      values: {
        name: 'nobody',
        lines: undefined,
        rate: 1,
        size: undefined,
        mode: undefined,
        field: [],
        quiet: false,
      },
      operands: [],
      help: false,
    })
  })

  it('are read', () => {
    const args = [
      '--name',
      'x',
      '--lines=3',
      '--rate',
      '0.5',
      '--size',
      '4M',
      '--mode',
      'slow',
      '--quiet',
      'there',
    ]
    const { values, operands } = parse(...args, '--field', 'a=1', '--field', 'b=2')
    expect(values).toEqual({
      name: 'x',
      lines: 3,
      rate: 0.5,
      size: 4 * 2 ** 20,
      mode: 'slow',
      field: ['a=1', 'b=2'],
      quiet: true,
    })
    expect(operands).toEqual(['there'])
  })

  it('say what is wrong with them', () => {
    expect(problem('--colour')).toMatch(/--colour.*There are: --field --help --lines --mode --name/)
    expect(problem('-x')).toContain('-x')
    expect(problem('--name')).toContain('--name')
    expect(problem('--quiet=yes')).toContain('--quiet')
    expect(problem('--lines', '0')).toBe("--lines must be a number from 1 to 10, not '0'")
    expect(problem('--lines', '2.5')).toContain('--lines')
    expect(problem('--rate', '0.1')).toBe("--rate must be a number from 0.5, not '0.1'")
    for (const wrong of ['', 'x', 'Infinity', 'NaN']) expect(problem(`--rate=${wrong}`)).toContain('--rate')
    for (const wrong of ['', 'M', '1.5M', '2G', '4T', '0'])
      expect(problem(`--size=${wrong}`)).toContain('--size')
    expect(problem('--mode', 'fastest')).toBe("--mode must be one of fast, slow, not 'fastest'")
  })

  it('leave the rest alone when help is asked for', () => {
    expect(parse('--help').help).toBe(true)
    expect(parse('-h', '--lines', 'nonsense').help).toBe(true)
  })

  it('vanish from options where they were not given', () => {
    expect(given({ a: 1, b: undefined, c: false })).toEqual({ a: 1, c: false })
  })
})

describe('a flag for where to listen', () => {
  const places = {
    at: listening('A place.'),
    page: listeningAt(9997, 'Another, or none.'),
    quiet: toggle('No words.'),
  }
  const read = (...args: string[]) => parseFlags(args, places).values

  it('takes a port of this machine, or a host with it', () => {
    expect(read('--at', '80').at).toEqual({ host: '127.0.0.1', port: 80 })
    expect(read('--at', '0.0.0.0:0').at).toEqual({ host: '0.0.0.0', port: 0 })
    expect(read('--at', '[::1]:443').at).toEqual({ host: '::1', port: 443 })
    for (const wrong of ['', 'x', ':80', '::1:80', '65536', '-1', '1.5', 'a:b', '123456'])
      expect(() => read(`--at=${wrong}`)).toThrow('--at must be a port, host:port or [v6 address]:port')
    expect(() => read('--at')).toThrow('--at')
  })

  it('may have a port of its own, and need no value then', () => {
    expect(read().page).toBeUndefined()
    for (const args of [
      ['--page'],
      ['--page', '--quiet'],
      ['--quiet', '--page'],
      ['--page='],
      ['--page', '--'],
    ])
      expect(read(...args).page).toEqual({ host: '127.0.0.1', port: 9997 })
    expect(read('--page', '80', '--quiet')).toMatchObject({ page: { port: 80 }, quiet: true })
    expect(read('--page=[::]:80').page).toEqual({ host: '::', port: 80 })
    expect(parseFlags(['--', '--page'], places)).toMatchObject({
      operands: ['--page'],
      values: { page: undefined },
    })
  })
})

describe('the help of a command', () => {
  const command = defineCommand({
    summary: 'Does it.',
    operands: ['<where>'],
    description: `${'word '.repeat(40).trim()}\nSecond paragraph.`,
    flags,
    examples: ['spillway it there'],
    exitCodes: [['0', 'Done.']],
    run: async () => 0,
  })
  const help = renderHelp('it', command, (_, text) => text)

  it('has every flag with its default, examples and exit codes', () => {
    expect(help).toContain('Usage: spillway it [flags] <where>')
    expect(help).toMatch(/--name <name> +A name\. Default: nobody\./)
    expect(help).toMatch(/--field <key=value> +Fields\. May be given several times\./)
    expect(help).toMatch(/--mode <mode> +A mode\. One of fast, slow\./)
    expect(help).toMatch(/-h, --help/)
    expect(help).toContain('  spillway it there')
    expect(help).toMatch(/ {2}0 +Done\./)
    expect(help).toMatch(/ {2}2 +/)
  })

  it('fits a terminal', () => {
    for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(96)
    expect(help).toContain('\nSecond paragraph.\n')
  })
})

describe('host:port', () => {
  it('is read and written', () => {
    expect(parseEndpoint('10.0.0.7:9999')).toEqual({ host: '10.0.0.7', port: 9999 })
    expect(parseEndpoint('[::1]:1')).toEqual({ host: '::1', port: 1 })
    expect(parseEndpoint('[fe80::1%eth0]:65535')).toEqual({ host: 'fe80::1%eth0', port: 65_535 })
    expect(parseEndpoint('logs.internal:514')).toEqual({ host: 'logs.internal', port: 514 })
    expect([renderEndpoint('::1', 1), renderEndpoint('10.0.0.7', 9999)]).toEqual(['[::1]:1', '10.0.0.7:9999'])
  })

  it('is nothing else', () => {
    for (const wrong of [
      '',
      'host',
      ':9999',
      'host:',
      'host:x',
      '::1:9999',
      '[nonsense]:1',
      'host:0',
      'host:65536',
      'a:b:1',
    ]) {
      expect(() => parseEndpoint(wrong), wrong).toThrow(CommandFailure)
    }
  })
})
