import { jsonSample, type Sample } from './sample.ts'

function sample(type: string, resourceType: string, resource: object): Sample {
  return jsonSample(
    type,
    'paypal-rsa',
    ({ id, nowMs }) => ({
      id: `WH-${id}`,
      create_time: new Date(nowMs).toISOString(),
      resource_type: resourceType,
      event_type: type,
      summary: 'A sample',
      resource,
    }),
    ({ id }) => ({
      'paypal-transmission-id': id,
      'paypal-cert-url': 'https://api.paypal.com/v1/notifications/certs/CERT-00000000-00000000-00000000',
    }),
  )
}

export const paypalSamples: readonly Sample[] = [
  sample('PAYMENT.CAPTURE.COMPLETED', 'capture', {
    id: 'sample',
    amount: { value: '20.00', currency_code: 'EUR' },
  }),
  sample('BILLING.SUBSCRIPTION.CANCELLED', 'subscription', { id: 'I-SAMPLE', status: 'CANCELLED' }),
]
