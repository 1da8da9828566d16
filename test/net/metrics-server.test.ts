// The figures over HTTP: what is answered, and what is not.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Collector } from 'spillway/collector'
import { serveMetrics } from 'spillway/prometheus'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openExporter } from '../support/exporters.ts'
import { metricValue, parsePrometheus } from '../support/prometheus-parser.ts'

type Options = Omit<Parameters<typeof serveMetrics>[0], 'things' | 'port'>

/** Both ends in one program, and their figures. All of it ends with the test. */
async function served(options: Options = {}) {
  const collector = await Collector.open({ sink: { name: 'nowhere', write: () => {} } })
  onTestFinished(() => collector.close())
  const exporter = await openExporter({ port: collector.address().port })
  const server = await serveMetrics({ ...options, things: [exporter, collector], port: 0 })
  onTestFinished(() => server.close())
  return { collector, exporter, server }
}

/** With headers that `fetch` would not send. */
async function ask(url: string, method: string, headers: Record<string, string> = {}, body?: string) {
  const request = httpRequest(url, { method, headers, agent: false })
  request.end(body)
  const [response] = await once(request, 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode as number, headers: response.headers, text }
}

describe('the server', () => {
  it('answers with the figures as they are now', async () => {
    const { exporter, server } = await served({ sources: true })
    const at = (path: string) => new URL(path, server.url).href
    for (const events of [3, 7]) {
      for (let i = 0; i < events; i++) exporter.encode({ i })
      await exporter.flush()
      const response = await fetch(at('/metrics'))
      expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
      const families = parsePrometheus(await response.text())
      expect(metricValue(families, 'spillway_events_sent_total')).toBe(exporter.stats().sent)
      expect(families.has('spillway_source_received_lines_total')).toBe(true)
    }
    const { things } = await (await fetch(at('/stats.json?x=1'))).json()
    expect(things).toMatchObject([
      { kind: 'exporter', labels: {}, stats: { sent: 10 } },
      { kind: 'collector', stats: { sinks: [{ name: 'nowhere' }], hiddenSources: 0 } },
    ])
    const health = await fetch(at('/healthz'))
    expect([health.status, await health.text()]).toEqual([200, 'ok\n'])
    expect(server.url).toBe(`http://127.0.0.1:${server.address().port}/`)
  })

  it('answers a HEAD with headers alone, and nothing but what is to be read', async () => {
    const { server } = await served()
    const metrics = new URL('/metrics', server.url).href
    const head = await ask(metrics, 'HEAD')
    expect([head.status, head.text]).toEqual([200, ''])
    expect(Number(head.headers['content-length'])).toBeGreaterThan(1000)
    for (const path of ['/', '/metrics/', '/__proto__', '/constructor', '/../stats.json%00'])
      expect((await ask(new URL(path, server.url).href, 'GET')).status).toBe(404)
    expect((await ask(new URL('/', server.url).href, 'GET')).text).toBe(
      'There is /metrics, /stats.json, /healthz.\n',
    )
    const post = await ask(metrics, 'POST', {}, 'x'.repeat(10_000))
    expect([post.status, post.headers.allow]).toEqual([405, 'GET, HEAD'])
    expect((await ask(metrics, 'GET', { 'content-length': '5' }, 'hello')).status).toBe(413)
    expect((await ask(metrics, 'GET', { 'transfer-encoding': 'chunked' }, 'hello')).status).toBe(413)
    expect((await ask(metrics, 'GET', { 'x-long': 'x'.repeat(10_000) })).status).toBe(431)
  })

  it('answers no page that has its own name point here', async () => {
    const { server } = await served()
    const metrics = new URL('/metrics', server.url).href
    const status = async (host: string) => (await ask(metrics, 'GET', { host })).status
    for (const host of ['localhost:9464', '127.0.0.1', '[::1]:80', 'LOCALHOST', 'spillway.localhost'])
      expect([host, await status(host)]).toEqual([host, 200])
    for (const host of [
      'evil.example',
      'evil.example:9464',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
    ])
      expect([host, await status(host)]).toEqual([host, 403])
  })

  it('survives what is no HTTP', async () => {
    const { server } = await served()
    const socket = connect(server.address().port, '127.0.0.1')
    socket.end('\0\xff rubbish\r\n\r\n')
    socket.resume()
    await once(socket, 'close')
    expect((await fetch(new URL('/healthz', server.url))).status).toBe(200)
  })

  it('says why it cannot begin', async () => {
    const { exporter, server } = await served()
    const open = (options: object) => serveMetrics({ things: exporter, port: 0, ...options })
    const { port } = server.address()
    await expect(open({ port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: `cannot serve at 127.0.0.1:${port}: another program listens there: stop it, or choose another port (0: the system chooses)`,
    })
    await expect(open({ host: '192.0.2.1' })).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
    await expect(open({ host: '' })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    await expect(open({ port: 70_000 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    await expect(open({ port: undefined })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    await expect(open({ sources: -1 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    await expect(open({ things: {} })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    await expect(open({ things: [exporter, exporter] })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    })
  })

  it('closes at once, whoever still reads, and frees the port', async () => {
    const { server } = await served()
    const { port } = server.address()
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.on('error', () => {}) // it is cut off
    socket.write('GET /metrics HTTP/1.1\r\n') // and no end
    await Promise.all([
      server.close(),
      server.close(),
      new Promise((resolve) => socket.once('close', resolve)),
    ])
    const other = createServer().listen(port, '127.0.0.1')
    await once(other, 'listening')
    other.close()
  })

  it('keeps no program alive', async () => {
    const program = `
      import { serveMetrics } from 'spillway/prometheus'
      import { UdpExporter } from 'spillway/udp'
      const exporter = await UdpExporter.open({ host: '127.0.0.1', port: 9 })
      const server = await serveMetrics({ things: exporter, port: 0 })
      const response = await fetch(new URL('/healthz', server.url)) // the connection stays open
      console.log(await response.text())`
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const args = ['--input-type=module', '-e', program]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 20_000 })
    expect(stdout).toBe('ok\n\n')
  })
})
