/** What goes between the I/O thread and the threads that have services on it: one port, services told apart by a number. */
export type ToIoThread =
  | {
      readonly kind: 'open'
      readonly id: number
      readonly name: string
      readonly options: unknown
      readonly debug: boolean
    }
  | { readonly kind: 'post'; readonly id: number; readonly message: unknown }
  | { readonly kind: 'close'; readonly id: number }

export type FromIoThread =
  | { readonly kind: 'opened'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly error: ErrorNote }
  | { readonly kind: 'message'; readonly id: number; readonly message: unknown }
  | { readonly kind: 'debug'; readonly id: number; readonly text: string }
  | { readonly kind: 'closed'; readonly id: number }

/** Errors lose their `code` on the way between threads. */
export interface ErrorNote {
  readonly code: string
  readonly message: string
}

/** What the worker is started with. */
export interface IoWorkerData {
  readonly spillwayIo: { readonly wasm: WebAssembly.Module }
}
