import type { KeyFormat, SignatureScheme } from '../core/index.ts'

/**
 * The symmetric scheme of Standard Webhooks 1.0.0, under its own header names or Svix': `v1,<base64>` entries over
 * `<id>.<time>.<body>`. Entries of other versions are not looked at. Keys are 24 to 64 bytes, as base64, where the sender
 * does not have it otherwise.
 */
export function standardWebhooksScheme(
  name: string,
  family: 'webhook' | 'svix',
  key: Partial<KeyFormat> = {},
): SignatureScheme {
  return {
    name,
    algorithm: 'hmac-sha256',
    key:
      key.as === 'utf8' ? { as: 'utf8' } : { as: 'base64', stripPrefixes: ['whsec_'], minBytes: 24, ...key },
    signature: { in: [{ header: `${family}-signature` }], separator: ' ', prefix: 'v1,', encoding: 'base64' },
    timestamp: { in: { header: `${family}-timestamp` }, unit: 'seconds', toleranceSeconds: 300 },
    id: { in: { header: `${family}-id` }, forbid: '.' },
    content: ['id', { literal: '.' }, 'timestamp', { literal: '.' }, 'body'],
  }
}
