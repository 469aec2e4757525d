import type { PosternOptions, Sources } from 'postern'
import type { SqliteEffect } from 'postern/sqlite'
import type { PullQueue } from '../vendors/pull-queue.ts'
import type { Reconciliation } from '../vendors/reconciling.ts'
import type { AnyDestination } from './destinations-schema.ts'

/**
 * What a `postern.config.ts` may say: `createPostern`'s options, without what the command line chooses. `Effect` is what
 * handlers give to `tx`, and `Tx` what they settle in: those of the store in `POSTERN_STORE`.
 */
export type GatewayConfig<S extends Sources = Sources, Effect = SqliteEffect, Tx = never> = Pick<
  PosternOptions<S, Effect, Tx>,
  'sources' | 'handlers' | 'prefix' | 'retry' | 'worker' | 'retentionMs'
> & {
  /** Queues at vendors that are pulled, by the source that their messages are recorded for: `coreweaveQueue({ destinationId })`. */
  readonly pull?: { readonly [name in keyof S]?: PullQueue }
  /** What is read at vendors to find what no webhook told, by source: `vastaiInstances()`. */
  readonly reconcile?: { readonly [name in keyof S]?: Reconciliation }
  /** HTTP endpoints that events are sent on to, and `notify.…()` for people who are told of them; by name. */
  readonly destinations?: Readonly<Record<string, AnyDestination>>
}

/**
 * Types a gateway's configuration by its sources; answers it unchanged. On another store than SQLite name the type of its
 * effects, and of the transactions that it settles in: `defineConfig<typeof sources, PostgresEffect, UserTransaction>({ sources, … })`.
 *
 * @example
 * export const config = defineConfig({
 *   sources: { vastai: vastai({ secret: process.env.VASTAI_WEBHOOK_SECRET }) },
 *   handlers: (on) => [on('vastai', 'outbid', async (event) => reprovision(event.data))],
 * })
 */
export function defineConfig<const S extends Sources, Effect = SqliteEffect, Tx = never>(
  config: GatewayConfig<S, Effect, Tx>,
): GatewayConfig<S, Effect, Tx> {
  return config
}
