import { jsonSample, type Sample } from './sample.ts'

export const vercelSamples: readonly Sample[] = [
  jsonSample('deployment.succeeded', 'vercel-signature', ({ id, nowMs }) => ({
    id,
    type: 'deployment.succeeded',
    createdAt: nowMs,
    region: null,
    payload: { deployment: { id: `dpl_${id}`, name: 'sample' } },
  })),
  jsonSample('deployment.error', 'vercel-signature', ({ id, nowMs }) => ({
    id,
    type: 'deployment.error',
    createdAt: nowMs,
    region: null,
    payload: { deployment: { id: `dpl_${id}`, name: 'sample' } },
  })),
]
