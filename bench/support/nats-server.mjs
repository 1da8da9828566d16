// A nats-server with JetStream on files, for as long as it is measured.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` }

export const hasNatsServer = () => spawnSync('nats-server', ['--version'], { env }).status === 0

/** Resolves when it is ready. `stop` ends it, and tells how many seconds of CPU it has used, where the system says so. */
export async function startNatsServer() {
  if (!hasNatsServer()) throw new Error('nats-server is not installed: apt-get install nats-server')
  const dir = mkdtempSync(join(tmpdir(), 'spillway-bench-nats-'))
  const args = ['-js', '-sd', dir, '-a', '127.0.0.1', '-p', '-1']
  const child = spawn('nats-server', args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  const port = await new Promise((resolve, reject) => {
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text
      if (said.includes('Server is ready')) resolve(/client connections on [\d.]+:(\d+)/.exec(said)[1])
    })
    child.once('exit', () => reject(new Error(`nats-server ended: ${said}`)))
  })
  return {
    url: `nats://127.0.0.1:${port}`,
    stop: async () => {
      process.off('exit', end)
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await gone
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
