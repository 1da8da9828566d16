// Many sockets: opened and closed by the thousand, and a thousand that have nothing to do.
import { existsSync, readdirSync } from 'node:fs'
import type { Socket } from 'spillway/sockets'
import { equal, ok, sleep, suite, until } from '../../support/harness.ts'
import { RawMemory, usedGranules } from './memory.ts'
import { pair, Rig } from './rig.ts'

const MIB = 1024 * 1024
const here = { host: '127.0.0.1' }
/** In the other runtimes fewer, to keep their time. */
const CHURNED = process.env.VITEST === undefined ? 2000 : 10_000
const IDLE = 1000
const IDLE_MS = 1000

/** File descriptors of the whole process; 0 where the system does not say. */
function openFiles(): number {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0
}

/** So many are opened, used and closed: four a round. */
async function churn(rig: Rig, raw: RawMemory, sockets: number): Promise<void> {
  for (let i = 0; i < sockets / 4; i++) {
    const { near, far, listener } = await pair(rig.client)
    await near.send('x')
    await far.recv(1)
    for (const socket of [near, far, listener]) socket.closeSync()
    const udp = rig.client.socket('udp4')
    await (i % 2 === 0 ? udp.bind(here) : udp.sendTo('x', { ...here, port: 9 }))
    udp.closeSync()
  }
  await until(() => raw.channels().length === 0, 'all places are free')
}

/** Of all threads. To idle is what is tested. */
async function shareOfCore(ms: number): Promise<number> {
  const before = process.cpuUsage()
  await sleep(ms)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / ms
}

export const manySuite = suite('sockets, many', (t) => {
  t.test('thousands opened and closed leave nothing: granules, places, files, heap', () =>
    Rig.run(async (rig) => {
      const raw = new RawMemory(rig.server.handle)
      await churn(rig, raw, 200)
      const files = openFiles()
      const granules = usedGranules(rig.server.handle)
      const { heapUsed } = process.memoryUsage()
      await churn(rig, raw, CHURNED)
      equal(usedGranules(rig.server.handle), granules, 'granules')
      await until(() => openFiles() <= files, 'files are closed')
      const grown = process.memoryUsage().heapUsed - heapUsed
      ok(grown < 24 * MIB, `the heap has grown by ${(grown / MIB).toFixed(1)} MiB`)
    }),
  )

  t.test('a thousand idle sockets take no processor time', () =>
    Rig.run(async (rig) => {
      const sockets: Socket[] = []
      for (let i = 0; i < IDLE; i++) {
        const socket = rig.client.socket('udp4')
        await socket.setOption('SO_RCVBUF', 4096)
        await socket.setOption('SO_SNDBUF', 4096)
        await socket.bind(here)
        sockets.push(socket)
      }
      const waiting = rig.client.poll(sockets)
      let share = 1
      // The runtime has something to do after so much work, for a second or two.
      for (let i = 0; i < 8 && share > 0.03; i++) share = await shareOfCore(IDLE_MS)
      ok(share < 0.03, `${(share * 100).toFixed(1)} % of a core`)
      sockets[500]!.sendToSync('x', sockets[IDLE - 1]!.getSockName())
      equal((await waiting)[0]?.socket, sockets[IDLE - 1], 'and they still hear')
    }),
  )
})
