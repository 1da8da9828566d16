/** Something that happened to a process on a host, as a security agent tells it: about 270 bytes of JSON. */
export interface ProcessEvent {
  readonly event: 'process_exec' | 'process_exit' | 'process_kprobe'
  /** Thread and number: each event is known by it from the ring to the file. */
  readonly exec_id: string
  readonly [field: string]: unknown
}

const PROGRAMS = [
  {
    binary: '/usr/bin/curl',
    arguments: ['-sSf https://repo.internal/health', '--retry 3 -o /dev/null https://api.internal/v1/ready'],
  },
  {
    binary: '/usr/bin/python3',
    arguments: ['-m gunicorn app:server -w 4', '/opt/jobs/reconcile.py --shard 7'],
  },
  { binary: '/bin/sh', arguments: ['-c "find /var/log -name *.gz -mtime +7"', '-c "pg_isready -q -h db-1"'] },
  { binary: '/usr/sbin/sshd', arguments: ['-D -R', '-i'] },
  { binary: '/usr/bin/git', arguments: ['fetch --depth 1 origin main', 'rev-parse --short HEAD'] },
  {
    binary: '/usr/local/bin/node',
    arguments: ['--enable-source-maps dist/server.js', 'worker.js --queue mail'],
  },
] as const
const FOLDERS = ['/', '/root', '/srv/checkout', '/home/deploy', '/var/lib/postgresql', '/opt/jobs'] as const
const PARENTS = [
  '/usr/lib/systemd/systemd',
  '/usr/bin/bash',
  '/usr/bin/containerd-shim',
  '/usr/sbin/cron',
] as const
const CALLS = ['security_file_permission', 'tcp_connect', 'fd_install', 'sys_setuid'] as const
const USERS = [0, 33, 999, 1000, 1001] as const

/** An endless stream of them: the same seed, the same events. */
export class ProcessEvents {
  readonly #thread: number
  #state: number
  #clockMs: number
  /** How many it has made. */
  count = 0

  constructor(thread: number, seed: number, startMs: number) {
    this.#thread = thread
    this.#state = seed + thread * 0x9e3779b9
    this.#clockMs = startMs
  }

  next(): ProcessEvent {
    const kind = this.#below(20)
    if (kind < 10) return this.#exec()
    return kind < 17 ? this.#exit() : this.#call()
  }

  #exec(): ProcessEvent {
    const program = this.#pick(PROGRAMS)
    const head = this.#head('process_exec', program.binary)
    return { ...head, args: this.#pick(program.arguments), cwd: this.#pick(FOLDERS), parent: this.#parent() }
  }

  #exit(): ProcessEvent {
    const head = this.#head('process_exit', this.#pick(PROGRAMS).binary)
    const signal = this.#below(50) === 0 ? 'SIGKILL' : ''
    return { ...head, signal, status: signal ? 137 : this.#below(8) === 0 ? 1 : 0, parent: this.#parent() }
  }

  #call(): ProcessEvent {
    const head = this.#head('process_kprobe', this.#pick(PROGRAMS).binary)
    const call = {
      function: this.#pick(CALLS),
      args: [this.#below(64), this.#pick(FOLDERS)],
      return: -this.#below(2),
    }
    return { ...head, kprobe: call, parent: this.#parent() }
  }

  #head(event: ProcessEvent['event'], binary: string): ProcessEvent {
    this.#clockMs += this.#below(3)
    return {
      event,
      exec_id: `${this.#thread}-${this.count++}`,
      time: new Date(this.#clockMs).toISOString(),
      pid: 1000 + this.#below(60_000),
      uid: this.#pick(USERS),
      binary,
      start_time: new Date(this.#clockMs - this.#below(3_600_000)).toISOString(),
    }
  }

  #parent(): object {
    return { pid: 1 + this.#below(999), binary: this.#pick(PARENTS) }
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!
  }

  /** An integer from 0 below `limit`; mulberry32. */
  #below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let x = this.#state
    x = Math.imul(x ^ (x >>> 15), x | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) % limit
  }
}
