import { constantTimeEqual, digestText } from './crypto.ts'
import { encode } from './encoding.ts'
import { parseDictionary } from './structured-field.ts'

/** RFC 9530 §5: the two that are active; every other is deprecated, since it can be collided. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
])

/**
 * Whether a `Content-Digest` (RFC 9530) is that of a body: it has a digest that is active, and each of those is the body's.
 * Others beside it are passed over.
 */
export function isContentDigestOf(text: string, body: Uint8Array): boolean {
  const members = [...(parseDictionary(text) ?? [])].flatMap(([name, member]) => {
    const hashName = HASHES.get(name)
    return hashName === undefined ? [] : [{ hashName, member }]
  })
  return (
    members.length > 0 &&
    members.every(
      ({ hashName, member }) =>
        member.kind === 'item' &&
        member.item.kind === 'bytes' &&
        constantTimeEqual(member.item.value, digestOf(hashName, body)),
    )
  )
}

/** A `Content-Digest` of a body, with SHA-256. */
export function contentDigest(body: Uint8Array): string {
  return `sha-256=:${encode(digestOf('sha256', body), 'base64')}:`
}

function digestOf(hashName: string, body: Uint8Array): Uint8Array {
  return Buffer.from(digestText(hashName, body), 'binary')
}
