import type { AttemptContext, HandlerOptions, WebhookEvent } from 'postern'
import type { ResolvedDelivery } from './destination-options.ts'
import type { Matches } from './filter.ts'
import type { Outlet } from './outlet.ts'

/** A destination that sends by itself, whatever it is that it sends. */
export interface Sender {
  readonly options: ResolvedDelivery
  readonly outlet: Outlet
  readonly handlerOptions: HandlerOptions
  /** One try of one delivery. Throws where it is to be tried again, or never. */
  readonly send: (event: WebhookEvent, context: AttemptContext) => Promise<void>
  /** Asked of a source's events beside the routes; absent where it takes all that they name. */
  readonly wantsFrom?: (source: string) => Matches
}
