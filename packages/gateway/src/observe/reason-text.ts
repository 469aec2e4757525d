import type { Occurrence, Provider } from 'postern'

type AnyReason = Extract<Occurrence, { readonly kind: 'rejected' }>['reason']

const TEXT: Readonly<Record<AnyReason, string>> = {
  body_too_large: 'the body is over the limit',
  no_secret: 'the source has no signing secret',
  missing_header: 'it has no signature, or lacks another header that is signed',
  duplicate_header: 'a header of the signature came twice',
  malformed_header: 'a header of the signature does not have its form',
  bad_encoding: 'the signature is not in its encoding, or not of its length',
  malformed_timestamp: 'the timestamp does not have its form',
  malformed_id: 'the signed id has a character that it must not have',
  missing_content: 'something that is signed is missing',
  missing_secret: 'its body does not have the secret',
  duplicate_secret: 'its body has the secret, or something that is signed, twice',
  untrusted_key_url: 'it names an address for its key that is not the provider’s; nothing was fetched',
  untrusted_certificate: 'the certificate of its key is not valid now, or not the provider’s',
  unknown_key: 'the provider has no key of the name it gives',
  not_covered: 'its signature does not cover what it has to',
  digest_mismatch: 'its body is not the one whose digest it has',
  secret_mismatch: 'the secret it carries is not one of the source’s',
  signature_mismatch: 'the signature fits no secret of the source',
  not_for_us: 'it is for or from another topic, account or audience than the configured',
  key_unavailable: 'the key to check it with could not be fetched; the sender is asked to come again',
  stale: 'genuine, but signed too long ago; check the clocks',
  future: 'genuine, but signed in the future; check the clocks',
  malformed_body: 'genuine, but the body is not a JSON object',
  unknown_source: 'no source has this path',
  method_not_allowed: 'not a POST',
  body_already_parsed: 'the body was read before us',
  client_disconnected: 'the sender left before its body had arrived',
  overloaded: 'too much is being read, or waits for the store, at once',
  store_unavailable: 'the store could not record it',
  stopping: 'this process is stopping',
  in_progress: 'the event is being handled, or waits its turn',
  handler_failed: 'the handler threw, or took too long',
  internal_error: 'an error of our own',
}

/** Where the secret stands in the URL and not in the body. */
const TEXT_OF_URL: Partial<typeof TEXT> = {
  missing_secret: 'its URL does not have the secret',
  duplicate_secret: 'its URL has the secret twice',
}

/** A reason code in words, for the terminal; of a provider, where one is known. */
export function reasonText(reason: AnyReason, provider?: Provider): string {
  const isInUrl = provider?.schemes.some(
    (scheme) => scheme.algorithm === 'static-secret' && 'query' in scheme.secret,
  )
  return (isInUrl === true ? TEXT_OF_URL[reason] : undefined) ?? TEXT[reason]
}
