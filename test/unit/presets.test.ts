import { describe, expect, it } from 'vitest'
import { applyPreset, type PresetName, presets } from '../../src/net/presets.ts'

const names = Object.keys(presets) as PresetName[]
const ours: PresetName[] = ['collector', 'jumbo', 'loopback']

describe('presets', () => {
  it('give their settings to what is not given otherwise', () => {
    const options = { host: 'agent', preset: 'seed' as PresetName, metadata: { team: 'x' }, poolSize: 3 }
    expect(applyPreset(options)).toEqual({
      host: 'agent',
      preset: 'seed',
      poolSize: 3,
      metadata: { team: 'x' },
      oneEventPerDatagram: true,
      heartbeatMs: false,
      sequence: false,
    })
    expect(options).not.toHaveProperty('heartbeatMs')
  })

  it('lose against every explicit setting, false ones too', () => {
    const explicit = {
      maxDatagramBytes: 500,
      oneEventPerDatagram: false,
      sequence: false,
      heartbeatMs: 7,
      metadata: false as const,
    }
    for (const preset of names) expect(applyPreset({ preset, ...explicit })).toEqual({ preset, ...explicit })
  })

  it('win over what is given as undefined', () => {
    const options = { preset: 'jumbo' as PresetName, maxDatagramBytes: undefined as unknown as number }
    expect(applyPreset(options)).toEqual({ preset: 'jumbo', maxDatagramBytes: 8932 })
  })

  it('leave alone what names none', () => {
    const options: { host: string; preset?: PresetName } = { host: 'agent' }
    expect(applyPreset(options)).toBe(options)
  })

  it('are refused by a name that is none, with those that are', () => {
    for (const preset of ['Vector', '', 'toString', '__proto__', 5, null]) {
      expect(() => applyPreset({ preset: preset as PresetName }), String(preset)).toThrow(
        expect.objectContaining({
          code: 'ERR_INVALID_ARGUMENT',
          message: expect.stringContaining('seed, collector, jumbo'),
        }),
      )
    }
  })

  it('send no lines of ours to agents that are not', () => {
    for (const preset of names.filter((name) => !ours.includes(name))) {
      expect(presets[preset], preset).toMatchObject({ heartbeatMs: false, sequence: false })
    }
  })

  it('keep datagrams below what each receiver takes', () => {
    expect(presets.datadog.maxDatagramBytes).toBeLessThan(9000)
    expect(presets.rsyslog.maxDatagramBytes).toBeLessThan(8192)
    for (const preset of names) expect(presets[preset].maxDatagramBytes ?? 0).toBeLessThanOrEqual(65_507)
    expect(presets.telegraf.oneEventPerDatagram).toBe(true)
  })
})
