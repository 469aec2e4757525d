import type { Algorithm as HmacAlgorithm } from './crypto.ts'
import type { Encoding } from './encoding.ts'

/**
 * How a request is authenticated, as data: the same value verifies, signs and explains.
 *
 * It is JSON-serialisable, so that it can be published for any language. What a request may choose is only which of
 * its own bytes are looked at; algorithm, places and tolerance are the receiver's.
 */
export type Scheme =
  | SignatureScheme
  | StaticSecretScheme
  | CertificateScheme
  | TokenScheme
  | MessageSignatureScheme

/** The request is signed, and the secret itself never travels. */
export interface SignatureScheme extends AnyScheme {
  readonly algorithm: HmacAlgorithm | OtherAlgorithm
  readonly key: KeyFormat
  readonly signature: SignatureRule
  /** Absent where the provider signs no time; then only the dedupe window guards against replays. */
  readonly timestamp?: TimestampRule
  /** A message id that is part of the signed content. */
  readonly id?: SignedIdRule
  /** The signed bytes: the parts one after another, with nothing between them. */
  readonly content: readonly Part[]
  /**
   * What has to be made of a request before its signature can be checked, by a method of its own that few providers
   * need: another spelling of the URL or of a form, each item of an array, headers that the sender lists.
   */
  readonly derives?: 'url-and-form' | 'items' | 'listed-headers'
  /** Of `items`: members to follow to an array. Each of its elements is signed by itself, and places in JSON start there. */
  readonly each?: readonly string[]
}

/**
 * Signatures that are no HMAC. `sha256` is the digest of the key and the content one after another: whoever has a request
 * can append to its content, after bytes that no JSON has, so that it is sound only where the content has to be JSON.
 */
export type OtherAlgorithm = 'sha256' | 'ed25519' | 'ecdsa-p256-sha256' | 'rsa-sha256'

/**
 * Every request carries the secret itself, and nothing is signed. Weaker than a signature: whoever sees one request can
 * send any other, at any time.
 */
export interface StaticSecretScheme extends AnyScheme {
  readonly algorithm: 'static-secret'
  readonly secret: SecretInHeader | SecretInQuery | SecretInBody | SecretInEach
}

/**
 * RSASSA-PKCS1-v1_5 by a key whose certificate has to be fetched from where the request says. What the source is
 * configured with is no secret, but says who or what is expected.
 */
export interface CertificateScheme extends AnyScheme {
  readonly algorithm: 'rsa-certificate'
  readonly digest: 'sha1' | 'sha256'
  readonly signature: { readonly at: Place; readonly encoding: 'base64' }
  readonly certificate: CertificateRule
  readonly timestamp: TimestampRule
  /** The signed bytes: the parts one after another, with nothing between them. */
  readonly content: readonly CertifiedPart[]
  /**
   * Where what is configured has to stand in the request, `*` at its end standing for anything; absent where it is a part
   * of the content.
   */
  readonly expected?: Place
  /** Members of the body that must have exactly these values, for example a signature version. */
  readonly members?: Readonly<Record<string, string>>
}

/** Where a certificate may be fetched, and what makes it the provider's. */
export interface CertificateRule {
  /** Where its address stands in a request. */
  readonly at: Place
  /** The only addresses that are fetched: https, no port, no credentials, no query, and these two, each as a whole. */
  readonly hosts: string
  readonly paths: string
  /**
   * `host`: whatever the pinned host serves under TLS is trusted. `chain`: it also has to lead to a root, and be for one of
   * `names`, where a leading dot stands for any name under it.
   */
  readonly trust: 'host' | 'chain'
  readonly names?: readonly string[]
}

/** One part of what a certified key has signed. */
export type CertifiedPart =
  | 'timestamp'
  /** What the source is configured with. */
  | 'configured'
  /** CRC-32 of the body in decimal: no digest, since anyone can find another body that has it. */
  | 'crc32'
  | { readonly literal: string }
  | Place
  /**
   * `<name>\n<value>\n` of each of these members that the body has, in this order. Only the first may hold line breaks:
   * then there is one way to take the lines apart.
   */
  | { readonly lines: readonly string[] }

/**
 * A JSON Web Token in a header, signed by its issuer with RS256, and nothing else: the body is not signed. What the source
 * is configured with is the audience.
 */
export interface TokenScheme extends AnyScheme {
  readonly algorithm: 'jwt'
  readonly token: { readonly header: string; readonly authScheme: string }
  /** Where the issuer's keys are: a JWK set (RFC 7517). */
  readonly keysUrl: string
  readonly issuers: readonly string[]
  /** Claims that must have exactly these values; of several, one of them. Of a claim that is a list, one must. */
  readonly claims?: Readonly<Record<string, string | boolean | readonly string[]>>
  /** How long before its use a token may have been issued. */
  readonly maxAgeSeconds: number
  readonly timestamp: { readonly toleranceSeconds: number }
}

/**
 * HTTP Message Signatures (RFC 9421), by one key whose algorithm is the receiver's to say. A sender chooses what it
 * signs; what it must have signed stands here.
 */
export interface MessageSignatureScheme extends AnyScheme {
  readonly algorithm: 'http-message-signature'
  readonly signedWith: MessageAlgorithm
  readonly key: KeyFormat
  /** Names of the components that a signature must cover, without parameters: fields, and what begins with `@`. */
  readonly components: readonly string[]
  /** The one tag that signatures for this receiver have, where they have any. */
  readonly tag?: string | undefined
  /** Scheme and host as the sender knows them, where they are not those of the request. */
  readonly origin?: string | undefined
  readonly timestamp: { readonly toleranceSeconds: number }
}

/** RFC 9421 §3.3, by its names in the registry. */
export type MessageAlgorithm =
  | 'hmac-sha256'
  | 'ed25519'
  | 'ecdsa-p256-sha256'
  | 'rsa-pss-sha512'
  | 'rsa-v1_5-sha256'

interface AnyScheme {
  /** Unique within a provider; recorded with each event as what verified it. */
  readonly name: string
  /**
   * Which of the source's secrets it is verified by; `secret` where absent. Schemes of one secret are alternatives. Of
   * several secrets, each that is configured must be satisfied.
   */
  readonly verifiedBy?: string
  /** Headers that must have exactly these values, for example a signature version. */
  readonly required?: Readonly<Record<string, string>>
}

/** A header that holds the secret; it is never kept. */
export interface SecretInHeader {
  readonly header: string
  /** The word before it, as in `Authorization: Bearer <secret>`; compared without regard to case (RFC 9110 §11.1). */
  readonly authScheme?: string
  /** How the secret is written; as it is where absent. `base64` after `Basic`, of `<user>:<password>` (RFC 7617 §2). */
  readonly encoding?: Encoding
}

/** The place of a string in the JSON body that holds the secret; it is cut out before anything is kept. */
export interface SecretInBody {
  /** Members to follow from the top of the body, objects only. */
  readonly json: readonly string[]
}

/** A parameter of the URL's query that holds the secret; it is never kept. */
export interface SecretInQuery {
  readonly query: string
}

/** The place of a string that holds the secret in every element of an array; it is cut out of each. */
export interface SecretInEach {
  /** Members to follow from the top of the body to the array, objects only. */
  readonly each: readonly string[]
  /** Members to follow from an element, objects only. */
  readonly member: readonly string[]
}

/** Where one string of a request stands. Header names in lower case. */
export type Place =
  | { readonly header: string }
  | { readonly query: string }
  /** Own properties to follow from the top of the JSON body. */
  | { readonly json: readonly string[] }
  /** A field of the signature header, as in `t=1700000000,v1=…`. */
  | { readonly field: string }

/** One part of the signed content. An array of these, never a template: a template replaces inside what it inserted. */
export type Part =
  | 'body'
  | 'timestamp'
  | 'id'
  | 'url'
  | 'method'
  | { readonly literal: string }
  | Place
  | DerivedPart

/** Content that does not stand in a request as such; what it is made of is signed, and how, is the scheme's `derives`. */
export type DerivedPart =
  /** A URL of the receiver's own, with the query of the request after it. */
  | { readonly derived: 'public-url'; readonly base: string }
  /**
   * The body: nothing where the signed URL ends in this parameter, which is then the hexadecimal SHA-256 of the body;
   * else the names and values of a form, sorted.
   */
  | { readonly derived: 'form-or-digest'; readonly digestIn: string }
  /** Texts with a separator between them; none but that of `free` may hold it. An absent text is an empty one. */
  | {
      readonly derived: 'joined'
      readonly places: readonly Place[]
      readonly separator: string
      readonly free: Place
    }
  /** The path and the query of the request, or these, escaped once more. */
  | { readonly derived: 'escaped-path'; readonly of?: string }
  /** `name:value` of each header that a header lists, which has to list these. */
  | { readonly derived: 'listed-headers'; readonly listedIn: string; readonly must: readonly string[] }

/**
 * How the signing secret, as its owner was shown it, becomes key bytes. A public key is its 32 bytes for Ed25519, and else
 * an SPKI in DER; as `utf8`, it is a PEM.
 */
export interface KeyFormat {
  readonly as: 'utf8' | 'hex' | 'base64'
  /** The first of these that the secret starts with is cut off before decoding, for example `whsec_`. */
  readonly stripPrefixes?: readonly string[]
  /** The shortest key in bytes that the provider issues; a shorter one is refused at construction. */
  readonly minBytes?: number
}

/** Where signatures stand and how one is written. All candidates are tried against all keys. */
export interface SignatureRule {
  readonly in: readonly ({ readonly header: string } | { readonly json: readonly string[] })[]
  /** Separates several entries in one header. Where it is absent, a doubled header is refused. */
  readonly separator?: ',' | ';' | ' '
  /** Entries are `name<pairSeparator>value`; those called `field` are signatures, other names are ignored. */
  readonly pairSeparator?: '=' | ','
  readonly field?: string
  /** Text before the encoded signature, for example `sha256=`. */
  readonly prefix?: string
  readonly encoding: Encoding
}

/** Where the signed time stands and how it is written: 1 to 15 digits, or RFC 3339 with a zone; nothing else is read. */
export interface TimestampRule {
  readonly in: Place
  readonly unit: 'seconds' | 'milliseconds' | 'rfc3339'
  /** The provider's own tolerance, both sides, where it has one; the source's option wins over it. */
  readonly toleranceSeconds?: number
}

/**
 * Where the message id stands that is part of the signed content. An empty one is refused, as is one with a forbidden
 * character.
 */
export interface SignedIdRule {
  readonly in: Place
  /** Characters that separate the parts of the content: an id with one could shift the boundary to the next part. */
  readonly forbid?: string
}

/** Whether a request under the scheme is signed over parts of it that the scheme names. */
export function isSignature(scheme: Scheme): scheme is SignatureScheme {
  return 'signature' in scheme && 'in' in scheme.signature
}
