import type { Envelope, Scheme } from '../core/index.ts'

/**
 * The scheme of the webhook template that all four seed vendors' guides share: `x-<vendor>-signature` holds the bare
 * hex HMAC-SHA256 over `<timestamp>.<body>`, `x-<vendor>-timestamp` the Unix time in seconds.
 *
 * Nothing that any of the four vendors sends today is signed like this. It is what the guides' own test tools speak.
 */
export function templateScheme(vendor: string): Scheme {
  return {
    name: `${vendor}-template`,
    algorithm: 'hmac-sha256',
    key: { as: 'utf8' },
    signature: { in: [{ header: `x-${vendor}-signature` }], encoding: 'hex' },
    timestamp: { in: { header: `x-${vendor}-timestamp` }, unit: 'seconds', toleranceSeconds: 300 },
    content: ['timestamp', { literal: '.' }, 'body'],
  }
}

/** The template's body: `{ id, type, data, created }`. */
export const templateEnvelope: Envelope = {
  name: 'template',
  id: [{ json: ['id'] }],
  type: { json: ['type'] },
  created: { in: { json: ['created'] }, unit: 'rfc3339' },
  data: ['data'],
}

/** The template's event types. Others are accepted and stored all the same. */
export type TemplateEvents = {
  readonly 'resource.created': TemplateData
  readonly 'resource.updated': TemplateData
  readonly 'resource.deleted': TemplateData
}

/** The `data` of the template's body, whose members the guides leave open. */
export type TemplateData = Readonly<Record<string, unknown>>
