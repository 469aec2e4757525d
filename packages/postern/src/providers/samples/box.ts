import { jsonSample, type Sample } from './sample.ts'

export const boxSamples: readonly Sample[] = [
  jsonSample(
    'FILE.UPLOADED',
    'box-v1',
    ({ id, nowMs }) => ({
      type: 'webhook_event',
      id,
      created_at: new Date(nowMs).toISOString(),
      trigger: 'FILE.UPLOADED',
      webhook: { id: '1234567890', type: 'webhook' },
      source: { id: '73835521473', type: 'file', name: 'sample.txt' },
    }),
    ({ id }) => ({ 'box-delivery-id': id }),
  ),
  jsonSample(
    'FOLDER.CREATED',
    'box-v1',
    ({ id, nowMs }) => ({
      type: 'webhook_event',
      id,
      created_at: new Date(nowMs).toISOString(),
      trigger: 'FOLDER.CREATED',
      webhook: { id: '1234567890', type: 'webhook' },
      source: { id: '73835521474', type: 'folder', name: 'sample' },
    }),
    ({ id }) => ({ 'box-delivery-id': id }),
  ),
]
