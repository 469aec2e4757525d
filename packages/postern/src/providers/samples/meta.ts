import { jsonSample, type Sample } from './sample.ts'

export const metaSamples: readonly Sample[] = [
  jsonSample('whatsapp_business_account', 'meta-signature-256', ({ id, nowMs }) => ({
    object: 'whatsapp_business_account',
    entry: [
      {
        id: '102290129340398',
        changes: [
          {
            field: 'messages',
            value: {
              messaging_product: 'whatsapp',
              messages: [
                {
                  id: `wamid.${id}`,
                  from: '15550000000',
                  timestamp: String(Math.floor(nowMs / 1000)),
                  type: 'text',
                },
              ],
            },
          },
        ],
      },
    ],
  })),
  jsonSample('page', 'meta-signature-256', ({ id, nowMs }) => ({
    object: 'page',
    entry: [
      {
        id: '682498302938465',
        time: nowMs,
        changes: [{ field: 'feed', value: { item: 'post', post_id: id } }],
      },
    ],
  })),
]
