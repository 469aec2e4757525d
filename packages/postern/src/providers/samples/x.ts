import { jsonSample, type Sample } from './sample.ts'

export const xSamples: readonly Sample[] = [
  jsonSample('account_activity', 'x-signature', ({ id, nowMs }) => ({
    for_user_id: '2244994945',
    tweet_create_events: [{ id_str: id, text: 'a sample', timestamp_ms: String(nowMs) }],
  })),
  jsonSample('account_activity', 'x-signature', ({ id, nowMs }) => ({
    for_user_id: '2244994945',
    favorite_events: [{ id, timestamp_ms: nowMs }],
  })),
]
