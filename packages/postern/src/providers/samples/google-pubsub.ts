import { jsonSample, type Sample } from './sample.ts'

function sample(data: object, attributes: object): Sample {
  return jsonSample('message', 'google-oidc', ({ id, nowMs }) => ({
    message: {
      attributes,
      data: Buffer.from(JSON.stringify(data)).toString('base64'),
      messageId: id,
      publishTime: new Date(nowMs).toISOString(),
    },
    subscription: 'projects/sample/subscriptions/sample',
  }))
}

export const googlePubsubSamples: readonly Sample[] = [
  sample({ name: 'a sample' }, { kind: 'sample' }),
  sample({}, {}),
]
