import { randomBytes } from 'node:crypto'
import { withSecret, type EventMap, type Source } from 'postern'

/**
 * A source that is pulled and takes no requests: its secret is random and nobody's, so that each one at its path is answered 401.
 *
 * @example
 * sources: { 'coreweave-alerts': pullOnly(coreweaveAlerts({ header: 'x-none', type: ['alertName'] })) },
 * pull: { 'coreweave-alerts': coreweaveQueue({ destinationId: '…' }) },
 */
export function pullOnly<Events extends EventMap>(source: Source<Events>): Source<Events> {
  return withSecret(source, randomBytes(32).toString('hex'))
}
