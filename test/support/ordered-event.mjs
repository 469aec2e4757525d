/**
 * An event that stands in line under a key.
 * @param {string} id
 * @param {string} orderingKey
 * @returns {import('postern').NewEvent}
 */
export function orderedEvent(id, orderingKey) {
  return {
    tenant: '',
    source: 'vastai',
    id,
    idKind: 'signed',
    type: 'resource.updated',
    createdMs: undefined,
    orderingKey,
    onDead: 'block',
    verifiedBy: 'vastai-template',
    body: Buffer.from(id),
    headers: [],
    dedupeWindowMs: 86_400_000,
    onConflict: 'hold',
    destinations: ['handlers'],
  }
}
