import { jsonSample, type Sample } from './sample.ts'

export const replicateSamples: readonly Sample[] = [
  jsonSample('succeeded', 'replicate-v1', ({ id, nowMs }) => ({
    id,
    status: 'succeeded',
    input: { prompt: 'a sample' },
    output: ['sample'],
    created_at: new Date(nowMs).toISOString(),
  })),
  jsonSample('failed', 'replicate-v1', ({ id, nowMs }) => ({
    id,
    status: 'failed',
    input: { prompt: 'a sample' },
    error: 'a sample',
    created_at: new Date(nowMs).toISOString(),
  })),
]
