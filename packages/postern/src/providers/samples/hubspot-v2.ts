import { jsonSample, type Sample } from './sample.ts'

export const hubspotV2Samples: readonly Sample[] = [
  jsonSample('request', 'hubspot-v2', ({ id }) => ({ portalId: 1, objectType: 'CONTACT', objectId: id })),
  jsonSample('request', 'hubspot-v2', ({ id }) => ({ portalId: 1, objectType: 'DEAL', objectId: id })),
]
