import { jsonSample, type Sample } from './sample.ts'
import { templateSamples } from './template.ts'

/** An Anima Labs event in the flat form of its SDK's tests. */
function labs(type: string, fields: object): Sample {
  return jsonSample(
    type,
    'anima-labs-v1',
    ({ id, nowMs }) => ({
      event: type,
      occurredAt: new Date(nowMs).toISOString(),
      ...fields,
      messageId: `msg_${id.slice(0, 12)}`,
    }),
    ({ id }) => ({ 'x-anima-event': type, 'x-anima-delivery-id': `dlv_${id}` }),
  )
}

export const animaSamples: readonly Sample[] = [
  labs('message.received', { agentId: 'agt_sample', from: 'ada@example.com', subject: 'Hello' }),
  labs('message.sent', { agentId: 'agt_sample', to: 'ada@example.com' }),
  labs('agent.created', { agentId: 'agt_sample' }),
  ...templateSamples('anima'),
]
