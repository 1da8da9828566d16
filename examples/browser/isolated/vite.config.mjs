import { defineConfig } from 'vite'

// What gives a page shared memory; it must come with the scripts of the workers, too. vite sends it with everything.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

export default defineConfig({ server: { headers }, preview: { headers } })
