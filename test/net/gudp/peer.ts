// A peer in a process of its own: listens, says at which port, and sends everything back. Ends with its starter.
import process from 'node:process'
import { createInterface } from 'node:readline'
import { type GudpConnection, GudpDaemon, type GudpListenOptions, type MessageChannel } from 'spillway/gudp'

const say = (said: object) => process.stdout.write(`${JSON.stringify(said)}\n`)

async function echo(from: Pick<MessageChannel, 'recv' | 'sendWhenRoom'>): Promise<void> {
  for (let one = await from.recv(); one !== undefined; one = await from.recv()) await from.sendWhenRoom(one)
}

async function serve(connection: GudpConnection): Promise<void> {
  const channels = connection.handle.channels.map((_, i) => connection.messages.channel(i))
  await Promise.all([connection, ...channels].map(echo))
  say({ ended: connection.status.state })
  await connection.close()
}

const daemon = await GudpDaemon.start()
const options = JSON.parse(process.argv[2]!) as Partial<GudpListenOptions>
const listener = await daemon.listen({
  port: 0,
  ...options,
  onConnection: (connection) => void serve(connection),
})
say({ port: listener.address().port })
const input = createInterface(process.stdin)
input.on('line', async (line) => {
  if (line === 'stats') say(await daemon.stats())
  else await daemon.stop()
})
input.on('close', () => process.exit(0))
