// A Redis client that blocks: its protocol (RESP) by hand, and what the test wants to know of the answers.
import { createHash, randomBytes } from 'node:crypto'
import { Input } from '../../../examples/support/input.mjs'
import { client, LONG, say, task } from './common.mjs'

const MANY = 5000
const MB = 1_000_000
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

class Redis {
  constructor() {
    this.socket = client.socket('tcp4')
    this.socket.connectSync({ host: '127.0.0.1', port: task.port }, LONG)
    this.input = new Input(() => this.socket.recvSync(1 << 20, LONG))
  }

  /** One answer for each command. */
  call(...commands) {
    this.send(...commands)
    return commands.map(() => this.reply())
  }

  send(...commands) {
    const parts = commands.flatMap((command) => [
      Buffer.from(`*${command.length}\r\n`),
      ...command.flatMap((part) => {
        const bytes = Buffer.from(part)
        return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]
      }),
    ])
    this.socket.sendMsgSync(parts, LONG)
  }

  reply() {
    const line = this.input.line()
    const rest = line.slice(1)
    switch (line[0]) {
      case '+':
        return rest
      case '-':
        return { error: rest }
      case ':':
        return Number(rest)
      case '$':
        return rest === '-1' ? null : this.input.bytes(Number(rest) + 2).subarray(0, -2)
      case '*':
        return rest === '-1' ? null : Array.from({ length: Number(rest) }, () => this.reply())
      default:
        throw new Error(`no RESP: ${line}`)
    }
  }
}

const cases = {
  pipelines() {
    const redis = new Redis()
    const value = (i) => `value ${i} `.repeat(1 + (i % 20))
    const numbers = Array.from({ length: MANY }, (_, i) => i)
    const set = redis.call(...numbers.map((i) => ['SET', `key ${i}`, value(i)]))
    const get = redis.call(...numbers.map((i) => ['GET', `key ${i}`]))
    return {
      set: set.filter((reply) => reply === 'OK').length,
      right: numbers.filter((i) => String(get[i]) === value(i)).length,
      size: redis.call(['DBSIZE'])[0],
    }
  },

  'one command after another'() {
    const redis = new Redis()
    let right = 0
    for (let i = 1; i <= 1000; i++) if (redis.call(['INCR', 'steps'])[0] === i) right++
    return { right }
  },

  'values of 1 MB'() {
    const redis = new Redis()
    const values = Array.from({ length: 8 }, () => randomBytes(MB))
    redis.call(...values.map((value, i) => ['SET', `big ${i}`, value]))
    const back = redis.call(...values.map((_, i) => ['GET', `big ${i}`])) // 8 MB of answers in one go
    return { right: values.filter((value, i) => sha256(value) === sha256(back[i])).length }
  },

  'many connections, one poll'() {
    const connections = new Map(Array.from({ length: 50 }, () => new Redis()).map((one) => [one.socket, one]))
    for (const redis of connections.values()) redis.send(...new Array(100).fill(['INCR', 'counter']))
    const waiting = new Set(connections.keys())
    let rounds = 0
    while (waiting.size > 0) {
      for (const { socket, readable } of client.pollSync(waiting, LONG.timeoutMs)) {
        if (readable) for (let i = 0; i < 100; i++) connections.get(socket).reply()
        waiting.delete(socket)
      }
      rounds++
    }
    const [counter] = [...connections.values()][0].call(['GET', 'counter'])
    return { counter: Number(counter), rounds }
  },

  'a blocking pop, a subscription'() {
    const [waits, writes] = [new Redis(), new Redis()]
    waits.send(['BLPOP', 'list', '0'])
    let early
    try {
      waits.socket.recvSync(1, { timeoutMs: 20 })
    } catch (error) {
      early = error.code
    }
    writes.call(['RPUSH', 'list', 'an item'])
    const popped = waits.reply().map(String)
    waits.call(['SUBSCRIBE', 'news'])
    writes.call(['PUBLISH', 'news', 'good'])
    return { early, popped, told: waits.reply().map(String) }
  },

  'the end of the server'() {
    const [one, other] = [new Redis(), new Redis()]
    one.send(['SHUTDOWN', 'NOSAVE', 'NOW'])
    const ends = [one, other].map(({ socket }) => socket.recvSync(1, LONG).length)
    let code
    try {
      other.socket.sendSync('PING\r\n') // what the peer does not take is told with the next call, or the one after it
      other.socket.recvSync(1, LONG)
      new Redis()
    } catch (error) {
      code = error.code
    }
    return { ends, code }
  },
}

for (const name of task.cases) say(cases[name]())
client.close()
