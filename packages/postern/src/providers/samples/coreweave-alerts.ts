import { jsonSample, type Sample } from './sample.ts'

/** A stand-in: of the body nothing is documented but the subject of a test. */
export const coreweaveAlertSamples: readonly Sample[] = [
  jsonSample('unknown', 'coreweave-alerts-signature', ({ id }) => ({ subject: 'Test Notification', id })),
]
