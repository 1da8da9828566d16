// A thread of its own: it has the exporter's handle, and no socket.
import { UdpExporter } from 'spillway/udp'

self.onmessage = async ({ data: handle }: MessageEvent) => {
  const exporter = UdpExporter.from(handle)
  for (let i = 0; i < 1000; i++) exporter.encode({ event: 'login', user: i, from: 'worker' })
  await exporter.close()
  self.postMessage(1000)
}
