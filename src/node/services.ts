import { invalid } from '../core/check.ts'
import { type CollectorServiceOptions, openCollectorService } from '../net/collector-service.ts'
import { type ExporterServiceOptions, openExporterService } from '../net/exporter-service.ts'
import { GudpService, type GudpServiceOptions } from '../net/gudp/gudp-service.ts'
import type { Service, ServiceContext } from '../net/io-service.ts'
import { SocketService, type SocketServiceOptions } from '../net/sockets/socket-service.ts'

/** Everything that can be opened on an I/O thread. */
const factories: Record<string, (options: never, context: ServiceContext) => Promise<Service>> = {
  exporter: (options: ExporterServiceOptions, context) => openExporterService(options, context),
  collector: (options: CollectorServiceOptions, context) => openCollectorService(options, context),
  gudp: (options: GudpServiceOptions, context) => GudpService.open(options, context),
  sockets: (options: SocketServiceOptions, context) => SocketService.open(options, context),
}

export function openService(name: string, options: unknown, context: ServiceContext): Promise<Service> {
  const factory = factories[name]
  if (factory === undefined) throw invalid(`there is no service '${name}'`)
  return factory(options as never, context)
}
