export function findFirefox(): string | undefined
export function openFirefox(path: string, url: string): { errors(): string; close(): Promise<void> }
