import { jsonSample, type Sample } from './sample.ts'

export const oktaSamples: readonly Sample[] = [
  jsonSample('com.okta.event_hook', 'okta-header', ({ id, nowMs }) => ({
    eventType: 'com.okta.event_hook',
    eventTypeVersion: '1.0',
    cloudEventsVersion: '0.1',
    source: 'https://sample.okta.com/api/v1/eventHooks/who1',
    eventId: id,
    eventTime: new Date(nowMs).toISOString(),
    data: { events: [{ eventType: 'user.session.start' }] },
  })),
  jsonSample('com.okta.event_hook', 'okta-header', ({ id, nowMs }) => ({
    eventType: 'com.okta.event_hook',
    eventTypeVersion: '1.0',
    cloudEventsVersion: '0.1',
    source: 'https://sample.okta.com/api/v1/eventHooks/who1',
    eventId: id,
    eventTime: new Date(nowMs).toISOString(),
    data: { events: [{ eventType: 'user.lifecycle.create' }] },
  })),
]
