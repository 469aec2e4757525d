import { jsonSample, type Sample } from './sample.ts'

export const twitchSamples: readonly Sample[] = [
  jsonSample(
    'stream.online',
    'twitch-eventsub',
    ({ id }) => ({
      subscription: {
        id: 'f1c2a387-161a-49f9-a165-0f21d7a4e1c4',
        type: 'stream.online',
        version: '1',
        status: 'enabled',
      },
      event: { id, broadcaster_user_id: '1337' },
    }),
    () => ({
      'twitch-eventsub-message-type': 'notification',
      'twitch-eventsub-subscription-type': 'stream.online',
    }),
  ),
  jsonSample(
    'channel.follow',
    'twitch-eventsub',
    ({ id }) => ({
      subscription: {
        id: 'f1c2a387-161a-49f9-a165-0f21d7a4e1c4',
        type: 'channel.follow',
        version: '2',
        status: 'enabled',
      },
      event: { user_id: id, broadcaster_user_id: '1337' },
    }),
    () => ({
      'twitch-eventsub-message-type': 'notification',
      'twitch-eventsub-subscription-type': 'channel.follow',
    }),
  ),
]
