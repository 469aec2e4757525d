import { jsonSample, type Sample } from './sample.ts'

export const sanitySamples: readonly Sample[] = [
  jsonSample(
    'create',
    'sanity-v1',
    ({ id }) => ({ _id: id, _type: 'sample' }),
    ({ id }) => ({ 'idempotency-key': id, 'sanity-operation': 'create' }),
  ),
  jsonSample(
    'update',
    'sanity-v1',
    ({ id }) => ({ _id: id, _type: 'sample', title: 'changed' }),
    ({ id }) => ({ 'idempotency-key': id, 'sanity-operation': 'update' }),
  ),
]
