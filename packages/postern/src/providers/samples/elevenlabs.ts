import { jsonSample, type Sample } from './sample.ts'

export const elevenlabsSamples: readonly Sample[] = [
  jsonSample('post_call_transcription', 'elevenlabs-v0', ({ id, nowMs }) => ({
    type: 'post_call_transcription',
    event_timestamp: Math.floor(nowMs / 1000),
    data: { agent_id: 'sample', conversation_id: id, status: 'done' },
  })),
  jsonSample('voice_removed', 'elevenlabs-v0', ({ id, nowMs }) => ({
    type: 'voice_removed',
    event_timestamp: Math.floor(nowMs / 1000),
    data: { voice_id: id },
  })),
]
