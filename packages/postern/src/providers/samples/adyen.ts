import { jsonSample, type Sample } from './sample.ts'

export const adyenSamples: readonly Sample[] = ['AUTHORISATION', 'REFUND'].map((eventCode) =>
  jsonSample(eventCode, 'adyen-item', ({ id, nowMs }) => ({
    live: 'false',
    notificationItems: [
      {
        NotificationRequestItem: {
          additionalData: { hmacSignature: '' },
          amount: { currency: 'EUR', value: 1130 },
          eventCode,
          eventDate: new Date(nowMs).toISOString(),
          merchantAccountCode: 'TestMerchant',
          merchantReference: `order:${id}`,
          originalReference: '',
          paymentMethod: 'visa',
          pspReference: id.slice(0, 16).toUpperCase(),
          reason: '',
          success: 'true',
        },
      },
    ],
  })),
)
