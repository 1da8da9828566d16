import type { BrowserContext } from 'playwright-core'

export function ensureBrowser(): string
export function launchBrowser(): Promise<{ context: BrowserContext; version: string; close(): Promise<void> }>
export function serve(
  files: Record<string, string | Uint8Array>,
  options: {
    isolated: boolean
    headers?: Record<string, string>
    onPost?: (path: string, body: string) => number | undefined
  },
): Promise<{ url: string; close(): Promise<void> }>
