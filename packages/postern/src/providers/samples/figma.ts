import { jsonSample, type Occurrence, type Sample } from './sample.ts'

/** In the form of Figma's documented samples. The passcode takes its place when the request is signed. */
function event(type: string, fields: (occurrence: Occurrence) => object): Sample {
  return jsonSample(type, 'figma-passcode', (occurrence) => ({
    event_type: type,
    ...fields(occurrence),
    passcode: '',
    timestamp: new Date(occurrence.nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    webhook_id: type === 'PING' ? occurrence.id : '22',
  }))
}

function fileEvent(type: string, fields: object = {}): Sample {
  return event(type, ({ id }) => ({ ...fields, file_key: id, file_name: 'Developer page mockup demo' }))
}

export const figmaSamples: readonly Sample[] = [
  fileEvent('FILE_UPDATE'),
  fileEvent('FILE_DELETE'),
  event('PING', () => ({})),
]
