import { jsonSample, type Sample } from './sample.ts'

export const svixSamples: readonly Sample[] = [
  jsonSample('sample.created', 'svix-v1', ({ id }) => ({
    type: 'sample.created',
    data: { id: `res_${id}` },
  })),
  jsonSample('sample.deleted', 'svix-v1', ({ id }) => ({
    type: 'sample.deleted',
    data: { id: `res_${id}` },
  })),
]
