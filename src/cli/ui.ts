import type { Page } from '../node/http-pages.ts'

/** The live page, with what it needs. It is loaded only when it is asked for. */
export async function uiPages(place: string): Promise<Record<string, Page>> {
  const { uiPage, uiScript, uiStyle } = await import('./ui-source.ts')
  const page = uiPage.replaceAll('{{place}}', () => escapeHtml(place))
  return {
    '/': { type: 'text/html; charset=utf-8', body: () => page },
    '/ui.js': { type: 'text/javascript; charset=utf-8', body: () => uiScript },
    '/ui.css': { type: 'text/css; charset=utf-8', body: () => uiStyle },
  }
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
