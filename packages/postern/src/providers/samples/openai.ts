import { jsonSample, type Sample } from './sample.ts'

export const openaiSamples: readonly Sample[] = [
  jsonSample('response.completed', 'openai-v1', ({ id, nowMs }) => ({
    id: `evt_${id}`,
    object: 'event',
    created_at: Math.floor(nowMs / 1000),
    type: 'response.completed',
    data: { id: `resp_${id}` },
  })),
  jsonSample('batch.completed', 'openai-v1', ({ id, nowMs }) => ({
    id: `evt_${id}`,
    object: 'event',
    created_at: Math.floor(nowMs / 1000),
    type: 'batch.completed',
    data: { id: `batch_${id}` },
  })),
]
