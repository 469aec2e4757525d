import { jsonSample, type Sample } from './sample.ts'

export const docusignSamples: readonly Sample[] = [
  jsonSample('envelope-completed', 'docusign-hmac', ({ id, nowMs }) => ({
    event: 'envelope-completed',
    apiVersion: 'v2.1',
    retryCount: 0,
    configurationId: 271828,
    generatedDateTime: new Date(nowMs).toISOString(),
    data: { accountId: 'sample', envelopeId: id },
  })),
  jsonSample('recipient-completed', 'docusign-hmac', ({ id, nowMs }) => ({
    event: 'recipient-completed',
    apiVersion: 'v2.1',
    retryCount: 0,
    configurationId: 271828,
    generatedDateTime: new Date(nowMs).toISOString(),
    data: { accountId: 'sample', envelopeId: id, recipientId: '1' },
  })),
]
