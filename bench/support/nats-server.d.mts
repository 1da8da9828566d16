export function hasNatsServer(): boolean
export function startNatsServer(): Promise<{ url: string; stop(): Promise<void> }>
