import type { Envelope, Handshake } from '../core/index.ts'

/** Event Grid's own schema and that of CloudEvents, each alone and in a batch. */
export const eventgridEnvelopes: readonly Envelope[] = [
  {
    name: 'eventgrid-event',
    id: [{ json: ['0', 'topic'] }, { json: ['0', 'id'] }],
    type: { json: ['0', 'eventType'] },
    created: { in: { json: ['0', 'eventTime'] }, unit: 'rfc3339' },
    orderingKey: [{ json: ['0', 'subject'] }],
    data: ['0'],
    unless: { json: ['1', 'id'] },
  },
  {
    name: 'eventgrid-cloudevent',
    id: [{ json: ['source'] }, { json: ['id'] }],
    type: { json: ['type'] },
    created: { in: { json: ['time'] }, unit: 'rfc3339' },
    orderingKey: [{ json: ['subject'] }],
  },
  {
    name: 'eventgrid-cloudevents',
    id: [{ json: ['0', 'source'] }, { json: ['0', 'id'] }],
    type: { json: ['0', 'type'] },
    created: { in: { json: ['0', 'time'] }, unit: 'rfc3339' },
    orderingKey: [{ json: ['0', 'subject'] }],
    data: ['0'],
    unless: { json: ['1', 'id'] },
  },
  { name: 'eventgrid-batch', id: [], defaultType: 'batch' },
]

/** A subscription in Event Grid's own schema is validated by an event. */
export const eventgridHandshakes: readonly Handshake[] = [
  {
    name: 'eventgrid-subscription-validation',
    when: { in: { header: 'aeg-event-type' }, equals: 'SubscriptionValidation' },
    reply: { json: { validationResponse: { json: ['0', 'data', 'validationCode'] } } },
  },
]
