import { jsonSample, type Sample } from './sample.ts'

export const convoySamples: readonly Sample[] = [
  jsonSample('sample.created', 'convoy-hex', ({ id }) => ({ id, type: 'sample.created' })),
  jsonSample('sample.deleted', 'convoy-hex', ({ id }) => ({ id, type: 'sample.deleted' })),
]
