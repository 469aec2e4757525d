import {
  defineSourceBy,
  bodySecrets,
  type Place,
  type Provider,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { HOUR_MS, MINUTE_MS } from './duration.ts'

const webhookId: Place = { json: ['webhook_id'] }
const eventType: Place = { json: ['event_type'] }
const fileKey: Place = { json: ['file_key'] }
const time: Place = { json: ['timestamp'] }
const created = { in: time, unit: 'rfc3339' } as const

/**
 * Figma's webhooks, version 2 (developers.figma.com/docs/rest-api/webhooks-events and -security): the passcode that was
 * given when the webhook was made comes back in every body. It is cut out before anything is kept.
 *
 * A wrong passcode is answered 400, as Figma asks; it then stops the webhook, so that nothing else here is a 400. There
 * is no event id: webhook, type, file and time make one, and the comment's id where there is one.
 *
 * Only others, who cite Figma's guide, report three further tries: after 5 minutes, 30 minutes and 3 hours.
 */
export const figmaProvider: Provider = {
  name: 'figma',
  title: 'Figma',
  documentation: 'https://developers.figma.com/docs/rest-api/webhooks',
  evidence: { level: 'documented', reason: 'a plain comparison, as its documentation has it' },
  schemes: [{ name: 'figma-passcode', algorithm: 'static-secret', secret: { json: ['passcode'] } }],
  envelopes: [
    {
      name: 'figma-comment',
      // Two comments in one file may have the same second.
      id: [webhookId, eventType, fileKey, time, { json: ['comment_id'] }],
      type: eventType,
      created,
      orderingKey: [fileKey],
    },
    {
      name: 'figma-file',
      id: [webhookId, eventType, fileKey, time],
      type: eventType,
      created,
      orderingKey: [fileKey],
    },
    // A PING is about no file.
    { name: 'figma-webhook', id: [webhookId, eventType, time], type: eventType, created },
  ],
  retryHorizonMs: 3 * HOUR_MS + 35 * MINUTE_MS,
  answers: { notAuthentic: 400 },
  undocumented: [
    'the times of retries',
    'whether several LIBRARY_PUBLISH events of one publication have different times',
  ],
}

/** What every event has. `passcode` reads `[redacted]`. */
export interface FigmaNotification {
  readonly event_type: string
  readonly passcode: string
  readonly timestamp: string
  /** Documented as a number, and a string in every documented sample. */
  readonly webhook_id: string | number
}

/** What an event about a file has as well. */
export interface FigmaFileNotification extends FigmaNotification {
  readonly file_key: string
  readonly file_name: string
  readonly [field: string]: unknown
}

/** Types of events that are about a file; others are accepted and stored all the same. */
export type FigmaFileEventType =
  | 'FILE_COMMENT'
  | 'FILE_DELETE'
  | 'FILE_UPDATE'
  | 'FILE_VERSION_UPDATE'
  | 'LIBRARY_PUBLISH'

/** What handlers get as `data`, by type: the whole JSON body. The type is its `event_type`. */
export type FigmaEvents = { readonly PING: FigmaNotification } & {
  readonly [Type in FigmaFileEventType]: FigmaFileNotification
}

/** A source for Figma: the secret is the webhook's `passcode`. */
export function figma(options?: SourceOptions): Source<FigmaEvents> {
  return defineSourceBy<FigmaEvents>([bodySecrets], figmaProvider, options)
}
