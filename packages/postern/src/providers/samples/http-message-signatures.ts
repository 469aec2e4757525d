import { jsonSample, type Sample } from './sample.ts'

function sample(type: string, data: object): Sample {
  return jsonSample(
    type,
    'rfc9421',
    ({ id, nowMs }) => ({ id, type, timestamp: new Date(nowMs).toISOString(), data }),
    () => ({ host: 'example.com' }),
  )
}

export const httpMessageSignaturesSamples: readonly Sample[] = [
  sample('sample.created', { name: 'a sample' }),
  sample('sample.deleted', {}),
]
