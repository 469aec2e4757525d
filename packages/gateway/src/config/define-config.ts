import type { PosternOptions, Sources } from 'postern'
import type { SqliteEffect } from 'postern/sqlite'

/** What a `postern.config.ts` may say: `createPostern`'s options, without what the command line chooses. */
export type GatewayConfig<S extends Sources = Sources> = Pick<
  PosternOptions<S, SqliteEffect>,
  'sources' | 'handlers' | 'prefix' | 'retry' | 'worker'
>

/**
 * Types a gateway's configuration by its sources; answers it unchanged.
 *
 * @example
 * export const config = defineConfig({
 *   sources: { vastai: vastai({ secret: process.env.VASTAI_WEBHOOK_SECRET }) },
 *   handlers: (on) => [on('vastai', 'outbid', async (event) => reprovision(event.data))],
 * })
 */
export function defineConfig<const S extends Sources>(config: GatewayConfig<S>): GatewayConfig<S> {
  return config
}
