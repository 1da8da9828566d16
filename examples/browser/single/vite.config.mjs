import { defineConfig } from 'vite'

/** Stands for your endpoint while you try the page: takes its time, says how many events have come, and keeps none. */
const endpoint = {
  name: 'events-endpoint',
  configureServer: ({ middlewares }) => void middlewares.use('/events', takeEvents),
  configurePreviewServer: ({ middlewares }) => void middlewares.use('/events', takeEvents),
}

let events = 0

async function takeEvents(request, response) {
  for await (const chunk of request) events += chunk.filter((byte) => byte === 0x0a).length
  setTimeout(() => {
    console.log(`${events} events have come`)
    response.writeHead(204).end()
  }, 50)
}

export default defineConfig({ plugins: [endpoint] })
