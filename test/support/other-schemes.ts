/**
 * What the schemes need whose keys are fetched, or that are none of the form of `SignatureScheme`: certificates, tokens, and
 * somebody who signs. Made once for each test file, by `openssl` and `node:crypto`.
 */
import { createPublicKey, sign as signBytes, type JsonWebKey } from 'node:crypto'
import * as jose from 'jose'
import {
  signRequest,
  type AnyKeys,
  type KeyFetch,
  type Scheme,
  type SignedRequest,
  type SignInput,
  type Source,
} from '../../packages/postern/src/core/index.ts'
import { makeCertificate, type Certified } from './certificates.ts'

let made: { readonly root: Certified; readonly own: Certified } | undefined

/** A certificate for every name that providers' data ask for, and the root that issued it. */
export function ownCertificate(): { readonly root: Certified; readonly own: Certified } {
  if (made === undefined) {
    const root = makeCertificate({ name: 'root.example', isAuthority: true })
    made = { root, own: makeCertificate({ name: 'messageverificationcerts.paypal.com', issuer: root }) }
  }
  return made
}

/** Serves the address that a sample names and the address of tokens' keys, and nothing else; counts what it is asked. */
export function keyServer(): { readonly fetch: KeyFetch; readonly asked: string[] } {
  const asked: string[] = []
  const fetch: KeyFetch = (url) => {
    asked.push(url)
    const found = documentAt(url)
    return Promise.resolve(new Response(found, { status: found === undefined ? 404 : 200 }))
  }
  return { fetch, asked }
}

/** Those that the samples name. */
const CERTIFICATES = [
  'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0000000000000000.pem',
  'https://api.paypal.com/v1/notifications/certs/CERT-00000000-00000000-00000000',
]

function documentAt(url: string): string | undefined {
  const { root, own } = ownCertificate()
  if (CERTIFICATES.includes(url)) return own.certificate + root.certificate
  if (!/\/(?:certs|keys)$/.test(url)) return undefined
  return JSON.stringify({ keys: [{ ...publicJwk(own), kid: KEY_ID, use: 'sig', alg: 'RS256' }] })
}

export function publicJwk({ certificate }: Certified): JsonWebKey {
  return createPublicKey(certificate).export({ format: 'jwk' })
}

/** As `defineAnySource` takes it. */
export function otherKeys(fetch: KeyFetch = keyServer().fetch): AnyKeys {
  return { jose, fetch, trustedCertificates: [ownCertificate().root.certificate] }
}

/** What a source with such a scheme is configured with: as the samples need it, or for another. */
export function otherSecretOf(scheme: Scheme, number: number): string | undefined {
  if (scheme.algorithm === 'rsa-certificate') {
    return scheme.expected === undefined ? `WEBHOOK${number}` : topicOf(number)
  }
  if (scheme.algorithm === 'jwt') return `https://example.com/audience/${number}`
  return scheme.algorithm === 'http-message-signature'
    ? Buffer.alloc(32, number + 1).toString('base64')
    : undefined
}

/** A pattern that the samples' topic fits, a little less in each; the third is another account's. */
function topicOf(number: number): string {
  const account = number > 2 ? '999999999999' : '123456789012'
  return `arn:aws:sns:eu-central-1:${account}:${'sample'.slice(0, -number)}*`
}

/** As `signRequest`, with the test's private key, and with tokens, which their issuer signs. */
export function signAny(source: Source, input: SignInput, secretNumber: number): SignedRequest {
  const { scheme } = source.schemes.find((each) => each.scheme.name === input.scheme) ?? source.schemes[0]!
  if (scheme.algorithm === 'jwt') {
    const claims = { ...scheme.claims, iss: scheme.issuers[0], aud: otherSecretOf(scheme, secretNumber) }
    const nowSeconds = Math.floor(input.nowMs / 1000)
    const token = signToken({ ...claims, iat: nowSeconds, exp: nowSeconds + 3600 })
    return {
      headers: { [scheme.token.header]: `${scheme.token.authScheme} ${token}` },
      body: Buffer.from(input.body),
      url: input.url ?? '',
    }
  }
  const isCertified = scheme.algorithm === 'rsa-certificate'
  return signRequest(source, {
    ...input,
    ...(isCertified && { privateKey: ownCertificate().own.privateKey }),
  })
}

export const KEY_ID = 'own-key'

/** A token in the compact form (RFC 7515 §3.1), signed with RS256 by hand: what reads it is not what wrote it. */
export function signToken(
  claims: object,
  header: object = {},
  privateKey = ownCertificate().own.privateKey,
): string {
  const parts = [{ alg: 'RS256', kid: KEY_ID, typ: 'JWT', ...header }, claims]
  const content = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${content}.${signBytes('sha256', Buffer.from(content), privateKey).toString('base64url')}`
}
