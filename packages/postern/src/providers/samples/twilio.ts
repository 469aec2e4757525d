import { formSample, jsonSample, type Sample } from './sample.ts'

export const twilioSamples: readonly Sample[] = [
  formSample('received', 'twilio-signature', ({ id }) => [
    ['AccountSid', `AC${id}`],
    ['ApiVersion', '2010-04-01'],
    ['Body', 'Grüße & "quotes" + more'],
    ['From', '+15005550006'],
    ['MessageSid', `SM${id}`],
    ['NumMedia', '0'],
    ['SmsSid', `SM${id}`],
    ['SmsStatus', 'received'],
    ['To', '+15005550001'],
  ]),
  formSample('delivered', 'twilio-signature', ({ id }) => [
    ['AccountSid', `AC${id}`],
    ['From', '+15005550006'],
    ['MessageSid', `SM${id}`],
    ['MessageStatus', 'delivered'],
    ['SmsSid', `SM${id}`],
    ['SmsStatus', 'delivered'],
    ['To', '+15005550001'],
  ]),
  jsonSample('com.twilio.messaging.message.delivered', 'twilio-signature', ({ id, nowMs }) => [
    {
      specversion: '1.0',
      type: 'com.twilio.messaging.message.delivered',
      source: `/2010-04-01/Accounts/AC${id}/Messages/SM${id}.json`,
      id: `EZ${id}`,
      time: new Date(nowMs).toISOString(),
      data: { messageSid: `SM${id}`, messageStatus: 'delivered' },
    },
  ]),
]
