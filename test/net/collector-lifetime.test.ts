// What keeps a process with a collector alive, and what does not: whole programs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { UdpSender } from '../support/udp-sender.ts'

const collector = JSON.stringify(new URL('../../dist/node/collector.js', import.meta.url).href)

/** A program that prints its port first, if it listens; ended by itself or not at all. */
function start(source: string) {
  const program = `import { Collector } from ${collector}\n${source}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  return {
    async line(): Promise<string> {
      while (!output.includes('\n')) await once(child.stdout, 'data')
      return output.slice(0, output.indexOf('\n'))
    },
    async end(): Promise<{ output: string; code: number | null }> {
      const [code] = await once(child, 'close')
      return { output, code }
    },
  }
}

describe('a program', () => {
  it('with an open collector lives until it is closed', async () => {
    const program = start(`
      const collector = await Collector.open({ sink: (lines) => { console.log(...lines); collector.close() } })
      console.log(collector.address().port)`)
    const port = Number(await program.line())
    const sender = await UdpSender.open({ address: '127.0.0.1', port })
    await sender.send('{"a":1}\n')
    await sender.close()
    expect(await program.end()).toEqual({ output: `${port}\n{"a":1}\n`, code: 0 })
  })

  it('ends with a collector that does not hold it', async () => {
    const program = start(`
      const collector = await Collector.open({ sink() {} })
      collector.unref()
      console.log('end')`)
    expect(await program.end()).toEqual({ output: 'end\n', code: 0 })
  })

  it('ends when its collector could not be opened', async () => {
    const program = start(`
      await Collector.open({ sink() {}, host: '192.0.2.1' }).catch((error) => console.log(error.code))`)
    expect(await program.end()).toEqual({ output: 'EADDRNOTAVAIL\n', code: 0 })
  })
})
