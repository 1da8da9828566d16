import type { Service, ServiceContext, ServiceHandlers, ServiceHost, ServiceLink } from '../net/io-service.ts'
import { nodePorts } from './ports.ts'

/**
 * A service on the calling thread: for what cannot travel to another, such as a socket pool of the user's own. The thread's
 * loop must then be free for it to get on.
 */
export class InlineHost implements ServiceHost {
  readonly #open: (options: unknown, context: ServiceContext) => Promise<Service>

  constructor(open: (options: unknown, context: ServiceContext) => Promise<Service>) {
    this.#open = open
  }

  async open(_name: string, options: unknown, handlers: ServiceHandlers): Promise<ServiceLink> {
    const service = await this.#open(options, {
      ports: nodePorts(handlers.onDebug),
      post: (message) => queueMicrotask(() => handlers.onMessage(message)),
    })
    return { post: (message) => service.receive(message), close: () => service.close() }
  }
}
