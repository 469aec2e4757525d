import { jsonSample, type Sample } from './sample.ts'

export const standardWebhooksV1aSamples: readonly Sample[] = [
  jsonSample('sample.created', 'standardwebhooks-v1a', ({ id, nowMs }) => ({
    type: 'sample.created',
    timestamp: new Date(nowMs).toISOString(),
    data: { id: `res_${id}` },
  })),
  jsonSample('sample.deleted', 'standardwebhooks-v1a', ({ id, nowMs }) => ({
    type: 'sample.deleted',
    timestamp: new Date(nowMs).toISOString(),
    data: { id: `res_${id}` },
  })),
]
