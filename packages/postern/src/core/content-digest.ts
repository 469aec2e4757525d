import { constantTimeEqual, digestText } from './crypto.ts'
import { encode } from './encoding.ts'
import { bytesOf, parseDictionary } from './structured-field.ts'

/** RFC 9530 §5: every other is deprecated, since it can be collided. */
const ACTIVE = ['sha-256', 'sha-512']

/**
 * Whether a `Content-Digest` (RFC 9530) is that of a body: it has a digest that is active, and each of those is the body's.
 * Others beside it are passed over.
 */
export function isContentDigestOf(text: string, body: Uint8Array): boolean {
  const digests = [...(parseDictionary(text) ?? [])].filter(([name]) => ACTIVE.includes(name))
  return (
    digests.length > 0 &&
    digests.every(([name, member]) => constantTimeEqual(bytesOf(member) ?? NONE, digestOf(name, body)))
  )
}

const NONE = new Uint8Array()

/** A `Content-Digest` of a body, with SHA-256. */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=:${encode(digestOf('sha-256', body), 'base64')}:`
}

function digestOf(name: string, body: Uint8Array): Uint8Array {
  return Buffer.from(digestText(name.replace('-', ''), body), 'binary')
}
