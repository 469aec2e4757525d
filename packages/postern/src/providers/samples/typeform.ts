import { jsonSample, type Sample } from './sample.ts'

export const typeformSamples: readonly Sample[] = [
  jsonSample('form_response', 'typeform-signature', ({ id, nowMs }) => ({
    event_id: id,
    event_type: 'form_response',
    form_response: { form_id: 'sample', token: id, submitted_at: new Date(nowMs).toISOString(), answers: [] },
  })),
  jsonSample('form_response_partial', 'typeform-signature', ({ id, nowMs }) => ({
    event_id: id,
    event_type: 'form_response_partial',
    form_response: { form_id: 'sample', token: id, submitted_at: new Date(nowMs).toISOString(), answers: [] },
  })),
]
