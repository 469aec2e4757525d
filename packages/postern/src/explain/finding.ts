import type { Reason } from '../core/index.ts'

/** What can keep a request from being verified. A closed set: match on it, never on the text of a finding. */
export const CAUSES = [
  'no_secret',
  'wrong_secret',
  'secret_of_another_source',
  'test_mode_secret',
  'secret_not_decoded',
  'secret_decoded',
  'secret_prefix',
  'secret_whitespace',
  'header_missing',
  'header_renamed',
  'header_duplicated',
  'header_folded',
  'header_escaped',
  'header_value',
  'signature_encoding',
  'signature_prefix',
  'signature_algorithm',
  'signed_content',
  'timestamp_unit',
  'timestamp_form',
  'timestamp_off',
  'url',
  'method',
  'body_empty',
  'body_changed',
  'body_reserialised',
  'body_newline',
  'body_line_endings',
  'body_byte_order_mark',
  'body_charset',
  'body_decompressed',
  'body_compressed',
  'body_base64',
  'body_too_large',
  'body_unreadable',
  'key_untrusted',
  'key_unavailable',
  'not_covered',
  'not_for_us',
  'other_provider',
] as const

/** What is wrong with a request: one of `CAUSES`. */
export type Cause = (typeof CAUSES)[number]

/** One thing that is wrong with a request, or with what it is held against. */
export interface Finding {
  readonly cause: Cause
  /**
   * `proven`: with this one thing undone the signature verifies, or the signature verifies and this is all that the
   * request is refused for. `likely`: something points to it.
   */
  readonly certainty: 'proven' | 'likely'
  /** The scheme that it is said of; absent where it is said of the request. */
  readonly scheme?: string
  /** What was seen. Holds no secret, no signature and no value of a header but a time. */
  readonly evidence: string
  /** What to do about it. */
  readonly remedy: string
}

/** Why a request is refused, as far as it can be found out. */
export interface Explanation {
  /** What `verify` says of it. */
  readonly verdict: 'verified' | Reason
  /** The surest first. Empty where it verifies. */
  readonly findings: readonly Finding[]
  /** How many checks of the signature it took. */
  readonly trials: number
  /** Whether everything was tried; `false` where the limit of trials or of bytes came first, or the body was too long. */
  readonly complete: boolean
  /** What was not tried, or not to its end, in words; empty where everything was. */
  readonly untried: readonly string[]
}

/** A finding with its cause's remedy, where it needs no other. */
export function finding(
  cause: Cause,
  certainty: Finding['certainty'],
  evidence: string,
  scheme?: string,
): Finding {
  return { cause, certainty, evidence, remedy: REMEDIES[cause], ...(scheme !== undefined && { scheme }) }
}

const RAW_BODY =
  'hand over the bytes as they came: mount before any body parser, and let no proxy or middleware rewrite the body'

const REMEDIES: Readonly<Record<Cause, string>> = {
  no_secret: 'configure the secret that the provider shows for this endpoint',
  wrong_secret:
    'copy the secret again from the provider, of this very endpoint; while it is being rotated, configure the new one and the old one',
  secret_of_another_source:
    'send this endpoint’s events to the path of that source, or give this source the endpoint’s own secret',
  test_mode_secret:
    'test mode and live mode have a signing secret each, and so has every endpoint: configure the one of the mode that sends',
  secret_not_decoded:
    'whoever signs took the secret as text: decode it there, or, for a scheme of your own, set key.as to utf8',
  secret_decoded:
    'whoever signs decoded the secret first: take it as text there, or, for a scheme of your own, set key.as to the encoding that was found',
  secret_prefix: 'configure the secret exactly as the provider shows it, with its prefix',
  secret_whitespace:
    'remove white space, line breaks and quotes around the secret: a file or a line of an .env file often adds them',
  header_missing:
    'let every proxy in between pass the provider’s headers on, and see that the provider is set to sign',
  header_renamed: 'let the proxy or framework in between keep the header’s name',
  header_duplicated: 'let the proxy in between replace the header in place of adding a second one',
  header_folded:
    'let the proxy in between pass the header on as it came: joined or wrapped, it is another value',
  header_escaped: 'let what is in between pass the header’s value on undecoded',
  header_value: 'set the provider to the signature version that this source verifies',
  signature_encoding:
    'write the signature in the encoding that the scheme demands, or, for a scheme of your own, set signature.encoding',
  signature_prefix:
    'write the signature with the prefix that the scheme demands and no other, or, for a scheme of your own, set signature.prefix',
  signature_algorithm:
    'sign with the algorithm that the scheme demands, or set the provider, or a scheme of your own, to that one',
  signed_content: 'sign the parts that the scheme demands, in their order and with what stands between them',
  timestamp_unit:
    'send and sign the time in the unit of the scheme, or, for a scheme of your own, set timestamp.unit',
  timestamp_form: 'send the time in the form of the scheme, digits only or RFC 3339, with nothing around it',
  timestamp_off:
    'set both clocks by NTP; where the request was kept and sent again, let the sender sign it anew, or explain it with the time at which it came',
  url: 'give the source the URL exactly as it stands at the provider, not as the server behind a proxy sees it',
  method: 'let the proxy in between keep the method',
  body_empty: RAW_BODY,
  body_changed: RAW_BODY,
  body_reserialised: RAW_BODY,
  body_newline: 'keep the body’s last bytes: an editor, echo or a here-document adds a line break',
  body_line_endings: 'keep the body’s line endings: git, FTP and editors change them',
  body_byte_order_mark: 'keep the body’s first bytes as they are: an editor adds or cuts a byte order mark',
  body_charset: 'never turn the body into text and back before it is verified',
  body_decompressed: 'the signature covers the compressed bytes: verify before anything inflates the body',
  body_compressed: 'the signature covers the plain bytes: let nothing in between compress the request',
  body_base64: 'decode the body first: the platform hands it over in base64 and says so beside it',
  body_too_large: 'raise the source’s maxBodyBytes, or have the provider send less',
  body_unreadable: 'set the provider to send JSON; the request itself is genuine',
  key_untrusted:
    'the key is none of the provider’s, or no longer: let the provider send it again; a genuine one comes with a good key',
  key_unavailable:
    'let this process reach the provider’s address for keys by https; the sender tries again meanwhile',
  not_covered: 'have the sender sign what the source demands, or demand less in the source’s options',
  not_for_us:
    'configure the topic, account or audience that the sender has, or take this endpoint away there',
  other_provider: 'use the source of the provider that signed it, or another path for this one',
}
