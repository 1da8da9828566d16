import type { Socket } from 'node:dgram'

/** One that is closed already stays so. */
export function closeQuietly(socket: Socket): void {
  try {
    socket.close()
  } catch {
    // closed already
  }
}
