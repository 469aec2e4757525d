/**
 * Why a request was refused: the closed set of codes. It goes to the log and the rejected log, never to the caller.
 *
 * In rank order: of several schemes that failed, the reason of the one that got furthest is reported.
 */
export const REASONS = [
  /** The body is not what came: a parser has read it before, or made something else of it. Our fault, answered 503. */
  'body_already_parsed',
  /** The sender left before its whole body had come. */
  'client_disconnected',
  /** The body is over the source's limit; nothing of it was looked at. */
  'body_too_large',
  /** No signing secret is configured: our fault, answered 503. */
  'no_secret',
  /** A header that the scheme needs is absent. */
  'missing_header',
  /** A header that must be single came more than once. */
  'duplicate_header',
  /** A header does not have the scheme's form: its prefix, fields or required value. */
  'malformed_header',
  /** The signature is not in the scheme's encoding, or not of its length. */
  'bad_encoding',
  /** The timestamp is not in the scheme's form. */
  'malformed_timestamp',
  /** The signed id could shift the boundary to the next signed part. */
  'malformed_id',
  /** Something else that is signed is not in the request. */
  'missing_content',
  /** The secret is not where the scheme has it in the body, or the body cannot be read for it. */
  'missing_secret',
  /** The body has the secret's member, or a signed one, more than once; readers differ in which one they take. */
  'duplicate_secret',
  /** The address of the key is none of the provider's: nothing was fetched. */
  'untrusted_key_url',
  /** The certificate is not valid now, or not the provider's. */
  'untrusted_certificate',
  /** The provider has no key of the name that the request gives. */
  'unknown_key',
  /** What must be signed is not covered by the signature. */
  'not_covered',
  /** The body is not the one whose digest is in the request. */
  'digest_mismatch',
  /** The secret that was sent is none of those configured. */
  'secret_mismatch',
  /** No signature matches any configured secret. */
  'signature_mismatch',
  /** For or by another account, topic or audience than the configured: of its provider, and not for us. */
  'not_for_us',
  /** The key could not be fetched: our fault, answered 503. */
  'key_unavailable',
  /** Authentic, but signed longer ago than the tolerance. */
  'stale',
  /** Authentic, but signed further in the future than the tolerance. */
  'future',
  /** Authentic and fresh, but the body cannot be read as the provider's envelope. */
  'malformed_body',
] as const

/** Why a request was refused: one of `REASONS`, which says what each means. */
export type Reason = (typeof REASONS)[number]

/** What came of trying to authenticate a request. */
type Outcome = { readonly ok: true } | { readonly ok: false; readonly reason: Reason }

/** Of two tries the one that got further; the first of two that got as far. */
export function further<Tried extends Outcome>(left: Tried, right: Tried): Tried {
  return distanceOf(left) < distanceOf(right) ? right : left
}

/** Of two the one that got less far: a request is no more authentic than the weakest of what it must satisfy. */
export function nearer<Tried extends Outcome>(left: Tried, right: Tried): Tried {
  return distanceOf(right) < distanceOf(left) ? right : left
}

function distanceOf(outcome: Outcome): number {
  return outcome.ok ? REASONS.length : REASONS.indexOf(outcome.reason)
}

/** Whether the signature was good, so that the request is the provider's although it was refused. */
export function isAuthentic(reason: Reason): boolean {
  return REASONS.indexOf(reason) > REASONS.indexOf('key_unavailable')
}
