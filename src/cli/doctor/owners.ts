import type { System } from './system.ts'

export interface Owner {
  readonly pid: number
  readonly program: string
}

/** Whose the sockets are, by their inodes: of processes whose descriptors may be read, our own or, for root, all. */
export function ownersOf(system: System, inodes: ReadonlySet<string>): Map<string, Owner> {
  const owners = new Map<string, Owner>()
  for (const pid of system.list('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of system.list(`/proc/${pid}/fd`)) {
      if (owners.size === inodes.size) return owners
      const inode = /^socket:\[(\d+)\]$/.exec(system.link(`/proc/${pid}/fd/${descriptor}`) ?? '')?.[1]
      if (inode === undefined || !inodes.has(inode) || owners.has(inode)) continue
      owners.set(inode, {
        pid: Number(pid),
        program: system.read(`/proc/${pid}/comm`)?.trim() || 'a program',
      })
    }
  }
  return owners
}
