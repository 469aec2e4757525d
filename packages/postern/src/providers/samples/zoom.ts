import { jsonSample, type Sample } from './sample.ts'

export const zoomSamples: readonly Sample[] = [
  jsonSample('meeting.started', 'zoom-v0', ({ id, nowMs }) => ({
    event: 'meeting.started',
    event_ts: nowMs,
    payload: { account_id: 'sample', object: { id: '84392028671', uuid: id, topic: 'A sample' } },
  })),
  jsonSample('meeting.ended', 'zoom-v0', ({ id, nowMs }) => ({
    event: 'meeting.ended',
    event_ts: nowMs,
    payload: { account_id: 'sample', object: { id: '84392028671', uuid: id, topic: 'A sample' } },
  })),
]
