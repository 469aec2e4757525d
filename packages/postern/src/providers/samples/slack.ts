import { jsonSample, type Sample } from './sample.ts'

export const slackSamples: readonly Sample[] = [
  jsonSample('app_mention', 'slack-v0', ({ id, nowMs }) => ({
    token: 'sample',
    team_id: 'T061EG9R6',
    api_app_id: 'A0FFV41KK',
    event: {
      type: 'app_mention',
      user: 'U061F7AUR',
      text: 'a sample',
      ts: String(nowMs / 1000),
      channel: 'C0LAN2Q65',
    },
    type: 'event_callback',
    event_id: `Ev${id}`,
    event_time: Math.floor(nowMs / 1000),
  })),
  jsonSample('message', 'slack-v0', ({ id, nowMs }) => ({
    token: 'sample',
    team_id: 'T061EG9R6',
    api_app_id: 'A0FFV41KK',
    event: {
      type: 'message',
      channel: 'C024BE91L',
      user: 'U2147483697',
      text: 'a sample',
      ts: String(nowMs / 1000),
    },
    type: 'event_callback',
    event_id: `Ev${id}`,
    event_time: Math.floor(nowMs / 1000),
  })),
]
