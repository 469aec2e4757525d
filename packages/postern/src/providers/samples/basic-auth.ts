import { jsonSample, type Sample } from './sample.ts'

export const basicAuthSamples: readonly Sample[] = [
  jsonSample('sample.created', 'basic-auth', ({ id }) => ({ id, type: 'sample.created' })),
  jsonSample('sample.deleted', 'basic-auth', ({ id }) => ({ id, type: 'sample.deleted' })),
]
