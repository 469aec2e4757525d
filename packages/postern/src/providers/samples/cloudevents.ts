import { jsonSample, type Sample } from './sample.ts'

export const cloudeventsSamples: readonly Sample[] = [
  jsonSample('com.example.sample.created', 'cloudevents-bearer', ({ id, nowMs }) => ({
    specversion: '1.0',
    id,
    source: '/sample',
    type: 'com.example.sample.created',
    time: new Date(nowMs).toISOString(),
    datacontenttype: 'application/json',
    data: { sample: true },
  })),
  jsonSample(
    'com.example.sample.deleted',
    'cloudevents-bearer',
    ({ id }) => ({ sample: true, id }),
    ({ id, nowMs }) => ({
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': '/sample',
      'ce-type': 'com.example.sample.deleted',
      'ce-time': new Date(nowMs).toISOString(),
    }),
  ),
]
