import type { WebhookEvent } from '../core/index.ts'
import type { Store, StoredEvent } from '../inbox/index.ts'
import { eventOf } from './attempt.ts'

/** Where a replay goes. */
export interface ReplayOptions {
  /** The destinations that get it. Default: those that it would go to if it came now. */
  readonly destinations?: readonly string[]
}

/** What became of a replay. */
export type Replayed =
  | {
      readonly outcome: 'replayed'
      /** The new ones, due at once. */
      readonly deliveries: readonly { readonly deliverySeq: number; readonly destination: string }[]
    }
  | {
      /** Nothing was made: no handler takes it here, or none of these, of those that were named. */
      readonly outcome: 'unhandled'
      readonly source: string
      readonly type: string
      readonly destinations: readonly string[]
    }
  /** There is no such event, or it has been deleted since. */
  | { readonly outcome: 'unknown' }

interface ReplayParts {
  readonly store: Pick<Store, 'get' | 'replay'>
  /** A `HandlerTable`, of whatever effects. */
  readonly table: {
    destinationsFor(source: string, type: string, event: () => WebhookEvent): readonly string[]
    handlersFor(destination: string, event: WebhookEvent): readonly unknown[]
  }
  readonly dataOf: (event: StoredEvent) => unknown
}

/**
 * Makes new deliveries of a stored event. A destination that nothing serves is refused: its delivery would wait for ever. So is one
 * without a handler for this event: its delivery would be given back until it is dead.
 */
export async function replayEvent(
  { store, table, dataOf }: ReplayParts,
  eventSeq: number,
  { destinations }: ReplayOptions,
): Promise<Replayed> {
  const detail = await store.get(eventSeq)
  if (detail === undefined) return { outcome: 'unknown' }
  const { source, type } = detail.event
  const event = eventOf(detail.event, dataOf)
  const wanted = [...new Set(destinations ?? table.destinationsFor(source, type, () => event))]
  const untaken = wanted.filter((name) => table.handlersFor(name, event).length === 0)
  if (wanted.length === 0 || untaken.length > 0)
    return { outcome: 'unhandled', source, type, destinations: untaken }
  const [result = 'unknown'] = await store.replay([{ eventSeq, destinations: wanted }])
  if (result === 'unknown') return { outcome: 'unknown' }
  const deliveries = result.deliverySeqs.map((deliverySeq, index) => ({
    deliverySeq,
    destination: wanted[index] ?? '',
  }))
  return { outcome: 'replayed', deliveries }
}
