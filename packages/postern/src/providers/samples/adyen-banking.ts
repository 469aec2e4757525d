import { jsonSample, type Sample } from './sample.ts'

export const adyenBankingSamples: readonly Sample[] = [
  jsonSample('balancePlatform.accountHolder.created', 'adyen-banking-hmac', ({ id, nowMs }) => ({
    type: 'balancePlatform.accountHolder.created',
    environment: 'test',
    timestamp: new Date(nowMs).toISOString(),
    data: { balancePlatform: 'Sample', accountHolder: { id } },
  })),
  jsonSample('balancePlatform.transfer.updated', 'adyen-banking-hmac', ({ id, nowMs }) => ({
    type: 'balancePlatform.transfer.updated',
    environment: 'test',
    timestamp: new Date(nowMs).toISOString(),
    data: { id, balancePlatform: 'Sample' },
  })),
]
