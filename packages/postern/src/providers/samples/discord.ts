import { jsonSample, type Sample } from './sample.ts'

export const discordSamples: readonly Sample[] = [
  jsonSample('APPLICATION_AUTHORIZED', 'discord-ed25519', ({ id, nowMs }) => ({
    version: 1,
    application_id: '1234560123453231555',
    type: 1,
    event: {
      type: 'APPLICATION_AUTHORIZED',
      timestamp: new Date(nowMs).toISOString(),
      data: { user: { id } },
    },
  })),
  jsonSample('ENTITLEMENT_CREATE', 'discord-ed25519', ({ id, nowMs }) => ({
    version: 1,
    application_id: '1234560123453231555',
    type: 1,
    event: { type: 'ENTITLEMENT_CREATE', timestamp: new Date(nowMs).toISOString(), data: { id } },
  })),
]
