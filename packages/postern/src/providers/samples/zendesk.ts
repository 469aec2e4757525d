import { jsonSample, type Sample } from './sample.ts'

export const zendeskSamples: readonly Sample[] = [
  jsonSample(
    'zen:event-type:ticket.created',
    'zendesk-signature',
    ({ id, nowMs }) => ({
      id,
      type: 'zen:event-type:ticket.created',
      account_id: 1,
      time: new Date(nowMs).toISOString(),
      subject: 'zen:ticket:1',
      detail: { id: '1' },
      event: {},
    }),
    ({ id }) => ({ 'x-zendesk-webhook-invocation-id': id }),
  ),
  jsonSample(
    'trigger',
    'zendesk-signature',
    ({ id }) => ({ ticket: '1', title: id }),
    ({ id }) => ({ 'x-zendesk-webhook-invocation-id': id }),
  ),
]
