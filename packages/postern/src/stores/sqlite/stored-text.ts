import { isPlainText, toOptionalText, toText } from '../../inbox/index.ts'
import type { PutEvent } from './operation.ts'

/**
 * An event with its texts as the columns have them (`exact-text.ts` of the inbox): bound as they are, one driver cuts them off at
 * NUL, and both make U+FFFD of half a surrogate pair. Its headers are JSON, which escapes both.
 */
export function withStoredTexts(event: PutEvent): PutEvent {
  const { tenant, source, id, type, orderingKey, verifiedBy, destinations, lease } = event
  const texts = [tenant, source, id, type, orderingKey ?? '', verifiedBy, lease?.destination ?? '']
  if (texts.every(isPlainText) && destinations.every(isPlainText)) return event
  return {
    ...event,
    tenant: toText(tenant),
    source: toText(source),
    id: toText(id),
    type: toText(type),
    orderingKey: toOptionalText(orderingKey),
    verifiedBy: toText(verifiedBy),
    destinations: destinations.map(toText),
    lease: lease && { ...lease, destination: toText(lease.destination) },
  }
}
