import { defineHmacSource, type Provider, type Source, type SourceOptions } from '../core/index.ts'
import { DAY_MS } from './duration.ts'
import type { JsonBody } from './json-body.ts'

/**
 * DocuSign Connect with HMAC, in the JSON format (developers.docusign.com/platform/webhooks/connect/hmac): one header
 * for each of up to 100 keys. The body holds a count of retries, so that the id is made of event, envelope and time.
 *
 * What is not acknowledged is tried again, from the second time on no sooner than a day after the last try and ten
 * times at most (`requiresAcknowledgement` in DocuSign's SDKs); others report 7 days.
 */
export const docusignProvider: Provider = {
  name: 'docusign',
  title: 'DocuSign Connect',
  documentation: 'https://developers.docusign.com/platform/webhooks/connect/hmac/',
  evidence: { level: 'documented', reason: 'its documentation has the construction' },
  schemes: [
    {
      name: 'docusign-hmac',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: {
        in: Array.from({ length: 100 }, (_, index) => ({ header: `x-docusign-signature-${index + 1}` })),
        encoding: 'base64',
      },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'docusign-recipient',
      id: [
        { json: ['event'] },
        { json: ['configurationId'] },
        { json: ['data', 'envelopeId'] },
        { json: ['data', 'recipientId'] },
        { json: ['generatedDateTime'] },
      ],
      type: { json: ['event'] },
      created: { in: { json: ['generatedDateTime'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['data', 'envelopeId'] }],
    },
    {
      name: 'docusign-envelope',
      id: [
        { json: ['event'] },
        { json: ['configurationId'] },
        { json: ['data', 'envelopeId'] },
        { json: ['generatedDateTime'] },
      ],
      type: { json: ['event'] },
      created: { in: { json: ['generatedDateTime'] }, unit: 'rfc3339' },
      orderingKey: [{ json: ['data', 'envelopeId'] }],
    },
  ],
  retryHorizonMs: 10 * DAY_MS,
  rotation: 'every active key signs, each in a header of its own; one that fits is enough',
  undocumented: ['whether a retry has the same generatedDateTime'],
}

/** Common types; others are accepted and stored all the same. */
export type DocusignEventType =
  | 'envelope-sent'
  | 'envelope-delivered'
  | 'envelope-completed'
  | 'envelope-declined'
  | 'envelope-voided'
  | 'envelope-corrected'
  | 'envelope-deleted'
  | 'recipient-sent'
  | 'recipient-delivered'
  | 'recipient-completed'
  | 'recipient-declined'
  | 'recipient-authenticationfailed'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `event`. */
export type DocusignEvents = { readonly [Type in DocusignEventType]: JsonBody }

/** A source for DocuSign Connect: the secret is the Connect keys. */
export function docusign(options?: SourceOptions): Source<DocusignEvents> {
  return defineHmacSource<DocusignEvents>(docusignProvider, options)
}
