import type { NewEvent, StoredEvent } from './store.ts'

/** An event that was just put, as it would be read again: what was said of it, and what the store has given it. */
export function asStored(
  { tenant, source, id, type, createdMs, orderingKey, verifiedBy, body, headers }: NewEvent,
  { eventSeq, receivedMs, conflictsWith }: Pick<StoredEvent, 'eventSeq' | 'receivedMs' | 'conflictsWith'>,
): StoredEvent {
  return {
    eventSeq,
    tenant,
    source,
    id,
    type,
    createdMs,
    receivedMs,
    orderingKey,
    verifiedBy,
    body,
    headers,
    conflictsWith,
  }
}
