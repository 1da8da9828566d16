import { defineConfig } from 'vite'

// What gives a page shared memory; it must come with the scripts of the workers, too. vite sends it with everything.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

export default defineConfig({
  // The dev server may read what both pages share, and in this repository spillway itself, three folders up.
  server: { headers, fs: { allow: ['../../..'] } },
  preview: { headers },
})
