/** An event for a store that is measured without HTTP. */
export function anEvent(id, { body, createdMs } = {}) {
  return {
    tenant: '',
    source: 'vastai',
    id,
    idKind: 'signed',
    type: 'resource.created',
    createdMs,
    orderingKey: undefined,
    onDead: undefined,
    verifiedBy: 'postern',
    body,
    headers: ['content-type', 'application/json'],
    dedupeWindowMs: 7 * 86_400_000,
    onConflict: 'hold',
    destinations: ['handlers'],
  }
}
