import { jsonSample, type Sample } from './sample.ts'

export const eventgridSamples: readonly Sample[] = [
  jsonSample(
    'Microsoft.Storage.BlobCreated',
    'eventgrid-query',
    ({ id, nowMs }) => [
      {
        topic:
          '/subscriptions/sample/resourceGroups/sample/providers/Microsoft.Storage/storageAccounts/sample',
        subject: '/blobServices/default/containers/sample/blobs/sample.txt',
        eventType: 'Microsoft.Storage.BlobCreated',
        eventTime: new Date(nowMs).toISOString(),
        id,
        data: { api: 'PutBlockList', contentLength: 12 },
        dataVersion: '',
        metadataVersion: '1',
      },
    ],
    () => ({ 'aeg-event-type': 'Notification' }),
  ),
  jsonSample(
    'com.example.sample.created',
    'eventgrid-query',
    ({ id, nowMs }) => ({
      specversion: '1.0',
      type: 'com.example.sample.created',
      source: '/subscriptions/sample',
      id,
      time: new Date(nowMs).toISOString(),
      subject: 'sample',
      data: { name: 'sample' },
    }),
    () => ({ 'content-type': 'application/cloudevents+json; charset=utf-8' }),
  ),
]
