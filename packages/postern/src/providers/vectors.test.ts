/**
 * Signed requests from official documentation, SDK tests and, where none is published, the `openssl` command line
 * (`origin` in `vectors/*.json` says which), each under its provider's scheme.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { CheckResult } from '../core/check.ts'
import type { KeyedScheme } from '../core/method.ts'
import { readable, type Fields, type Readable } from '../core/place.ts'
import type { WebhookRequest } from '../core/request.ts'
import { isSignature, type Scheme as AnyScheme, type SignatureScheme as Scheme } from '../core/scheme.ts'
import { sign, signRequest } from '../core/sign.ts'
import { readSignatures } from '../core/signature-header.ts'
import { defineSource, type Source } from '../core/source.ts'
import { keyPair } from '../../../../test/support/key-pairs.ts'
import { parseTimestamp } from '../core/timestamp.ts'
import { providers } from './index.ts'

interface Vector {
  readonly provider: string
  readonly origin: string
  readonly source: string
  readonly secret: string
  readonly method?: string
  readonly url?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Unix time in seconds. */
  readonly now?: number
  readonly expected: 'valid'
  readonly note?: string
}

/** Of these the URL that was signed is another spelling of the one that came. */
const RESPELT = /^(signed URL|receiver URL)/

const FOLDER = new URL('../../../../vectors/', import.meta.url)
const files = readdirSync(FOLDER)
// The files are ours; their form is checked by every test that reads them.
const vectors = files.flatMap(
  (file) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as readonly Vector[],
)

function isOfTwoForms({ provider: name }: Vector): boolean {
  const schemes = providers.find((provider) => provider.name === name)?.schemes ?? []
  return schemes.every((scheme) => isSignature(scheme) || scheme.algorithm === 'static-secret')
}

/** The provider's scheme that the vector is of: the one it passes, and else the first, for a test to fail. */
function schemeOf(vector: Vector): AnyScheme {
  const schemes = providers.find(({ name }) => name === vector.provider)?.schemes ?? []
  const own = schemes.find((scheme) => checked(scheme, vector).ok) ?? schemes[0]
  if (own === undefined) throw new Error(`no provider is called '${vector.provider}'`)
  return own
}

/** The signature scheme of a provider that has one only. */
function onlyScheme(provider: string): Scheme {
  return providers.find(({ name }) => name === provider)?.schemes[0] as Scheme
}

/** The others of `vectors` are in `other-vectors.test.ts`: their keys are fetched, or their senders choose what they sign. */
const all = vectors.filter(isOfTwoForms).map((vector, index) => ({
  vector,
  scheme: schemeOf(vector),
  title: `${vector.provider} #${index} (${vector.origin})`,
}))
const cases = all.flatMap(({ scheme, ...rest }) => (isSignature(scheme) ? [{ scheme, ...rest }] : []))
const timed = cases.filter(({ scheme }) => scheme.timestamp !== undefined)
/** `sign` writes RFC 3339 with milliseconds; these vectors have seconds or nanoseconds. Of others no private key is known. */
const signable = cases.filter(
  ({ scheme, vector }) =>
    scheme.timestamp?.unit !== 'rfc3339' &&
    !/^(ed|ec)/.test(scheme.algorithm) &&
    !RESPELT.test(vector.note ?? '') &&
    !isInBody(scheme),
)
const inBody = cases.filter(({ scheme }) => isInBody(scheme))

describe('published vectors', () => {
  it('are there for every provider, in a file of its name', () => {
    expect(files.toSorted()).toEqual(providers.map(({ name }) => `${name}.json`).toSorted())
    for (const file of files) {
      const own = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as readonly Vector[]
      expect(own.length).toBeGreaterThan(0)
      expect(own.filter(({ provider }) => `${provider}.json` !== file)).toEqual([])
    }
    expect(vectors.every(({ expected, source }) => expected === 'valid' && source !== '')).toBe(true)
  })

  it.each(all)('$title verifies', ({ scheme, vector }) => {
    expect(checked(scheme, vector)).toEqual({ ok: true, secretIndex: 0 })
  })

  it.each(all)('$title verifies under a scheme that was JSON in between', ({ scheme, vector }) => {
    expect(checked(JSON.parse(JSON.stringify(scheme)) as AnyScheme, vector)).toEqual({
      ok: true,
      secretIndex: 0,
    })
  })

  it.each(cases.filter(({ scheme }) => signsBody(scheme)))(
    '$title with one byte more is refused',
    ({ scheme, vector }) => {
      // A space is none of a form's characters.
      const more = scheme.derives === 'url-and-form' ? 'x' : ' '
      expect(checked(scheme, { ...vector, body: vector.body + more })).toEqual(refused('signature_mismatch'))
    },
  )

  it.each(all)('$title under another secret is refused', ({ scheme, vector }) => {
    if (!isSignature(scheme)) {
      expect(checked(scheme, { ...vector, secret: 'another secret' })).toEqual(refused('secret_mismatch'))
      return
    }
    expect(checked(scheme, { ...vector, secret: another(scheme, 1) })).toEqual(refused('signature_mismatch'))
  })

  it.each(cases)('$title is recognised beside a newer secret', ({ scheme, vector }) => {
    const { keys, method } = keyed(scheme, [another(scheme, 2), vector.secret])
    expect(method.check(scheme, keys, requestOf(vector), { nowMs: nowMs(vector) })).toEqual({
      ok: true,
      secretIndex: 1,
    })
  })

  it.each(timed)('$title long after is stale', ({ scheme, vector }) => {
    expect(checked(scheme, vector, longSeconds(scheme))).toEqual(refused('stale'))
  })

  it.each(timed)('$title long before is of the future', ({ scheme, vector }) => {
    expect(checked(scheme, vector, -longSeconds(scheme))).toEqual(refused('future'))
  })

  it.each(signable)('$title is what `sign` makes of its inputs', ({ scheme, vector }) => {
    const made = sign(sourceOf(scheme, vector.secret), {
      body: vector.body,
      nowMs: signedMs(scheme, vector),
      headers: listedOf(scheme, vector),
      ...idOf(scheme, vector),
      ...(vector.method !== undefined && { method: vector.method }),
      ...(vector.url !== undefined && { url: vector.url }),
    })
    const [signature] = signaturesIn(scheme, made)
    expect(signaturesIn(scheme, vector.headers)).toContainEqual(signature)
  })

  it.each(inBody)('$title is the body that `signRequest` makes of its inputs', ({ scheme, vector }) => {
    const source = sourceOf(scheme, vector.secret)
    const unsigned = vector.body.replaceAll(/("(?:hmacSignature|signature)":\s*)"[^"]*"/g, '$1""')
    expect(unsigned).not.toBe(vector.body)
    const made = signRequest(source, { body: unsigned, nowMs: nowMs(vector) })
    expect(Buffer.from(made.body).toString()).toBe(vector.body)
  })

  it.each(signable)('$title, signed here, verifies', ({ scheme, vector }) => {
    const ms = signedMs(scheme, vector)
    const headers = sign(sourceOf(scheme, vector.secret), {
      body: vector.body,
      nowMs: ms,
      headers: listedOf(scheme, vector),
      ...idOf(scheme, vector),
      ...(vector.method !== undefined && { method: vector.method }),
      ...(vector.url !== undefined && { url: vector.url }),
    })
    const { keys, method } = keyed(scheme, [vector.secret])
    const request = {
      ...requestOf(vector),
      headers: Object.entries({ ...listedOf(scheme, vector), ...headers }).flat(),
    }
    expect(method.check(scheme, keys, request, { nowMs: ms })).toEqual({ ok: true, secretIndex: 0 })
  })

  it('with one signature are what `sign` writes, character for character', () => {
    for (const provider of [
      'github',
      'mux',
      'paddle',
      'sanity',
      'shopify',
      'slack',
      'standardwebhooks',
      'zoom',
    ]) {
      const [made, given] = headersOf(provider)
      expect(made).toEqual(given)
    }
  })
})

describe('what providers do that no vector shows', () => {
  it('accepts each of the two keys of Box by its own header', () => {
    const [primary, secondary] = vectors.filter(({ provider }) => provider === 'box')
    expect(checked(onlyScheme('box'), without('box-signature-secondary', primary!)).ok).toBe(true)
    expect(checked(onlyScheme('box'), without('box-signature-primary', secondary!)).ok).toBe(true)
    expect(checked(onlyScheme('box'), without('box-signature-secondary', secondary!))).toEqual(
      refused('signature_mismatch'),
    )
  })

  it('refuses a Box request of another signature version or algorithm', () => {
    const vector = vectors.find(({ provider }) => provider === 'box')!
    const version = { ...vector, headers: { ...vector.headers, 'box-signature-version': '2' } }
    const algorithm = { ...vector, headers: { ...vector.headers, 'box-signature-algorithm': 'HmacSHA1' } }
    expect(checked(onlyScheme('box'), version)).toEqual(refused('malformed_header'))
    expect(checked(onlyScheme('box'), algorithm)).toEqual(refused('malformed_header'))
  })

  it('does not take a Stripe v0 signature for a v1', () => {
    const vector = vectors.find(({ provider }) => provider === 'stripe')!
    const header = vector.headers['stripe-signature']!.replace('v1=', 'v2=').replace('v0=', 'v1=')
    expect(checked(onlyScheme('stripe'), { ...vector, headers: { 'stripe-signature': header } })).toEqual(
      refused('signature_mismatch'),
    )
  })

  it('does not take a Standard Webhooks v1a entry for a v1', () => {
    const vector = vectors.find(({ provider }) => provider === 'standardwebhooks')!
    const headers = {
      ...vector.headers,
      'webhook-signature': vector.headers['webhook-signature']!.replace('v1,', 'v1a,'),
    }
    expect(checked(onlyScheme('standardwebhooks'), { ...vector, headers })).toEqual(
      refused('malformed_header'),
    )
  })

  it('refuses a decoded PagerDuty secret: what looks like base64 there is the key itself', () => {
    const vector = vectors.find(({ provider }) => provider === 'pagerduty')!
    const decoding: Scheme = { ...onlyScheme('pagerduty'), key: { as: 'base64' } }
    expect(checked(decoding, vector)).toEqual(refused('signature_mismatch'))
  })

  // Every name-value entry that is not `field` is kept as a field, and a second of one name refuses the header; with
  // Standard Webhooks those names are versions, and a rotation of an ed25519 key sends two `v1a` entries.
  it('accepts a v1 entry beside two v1a entries, where entries are read as pairs', () => {
    const vector = vectors.find(({ provider }) => provider === 'standardwebhooks')!
    const { prefix: _, ...signature } = onlyScheme('standardwebhooks').signature
    const paired: Scheme = {
      ...onlyScheme('standardwebhooks'),
      signature: { ...signature, pairSeparator: ',', field: 'v1' },
    }
    const header = `v1a,b25l ${vector.headers['webhook-signature']} v1a,dHdv`
    const rotating = { ...vector, headers: { ...vector.headers, 'webhook-signature': header } }
    expect(checked(paired, rotating)).toEqual({ ok: true, secretIndex: 0 })
  })

  it("holds Linear's time, which stands in the body, to a minute", () => {
    const vector = vectors.find(({ provider }) => provider === 'linear')!
    expect(checked(onlyScheme('linear'), vector, 60).ok).toBe(true)
    expect(checked(onlyScheme('linear'), vector, 61)).toEqual(refused('stale'))
  })
})

function checked(scheme: AnyScheme, vector: Vector, laterSeconds = 0): CheckResult {
  const options = { nowMs: nowMs(vector) + laterSeconds * 1000 }
  const { keys, method } = keyed(scheme, [vector.secret])
  return method.check(scheme, keys, requestOf(vector), options)
}

/** The scheme as a source has it. */
function keyed(scheme: AnyScheme, secrets: readonly string[]): KeyedScheme {
  const name = scheme.verifiedBy ?? 'secret'
  const options = name === 'secret' ? { secret: secrets } : { otherSecrets: { [name]: secrets } }
  return defineSource(providerOf(scheme), options).schemes[0]!
}

/** A secret of the scheme's form that signed no vector. */
function another({ algorithm, key }: Scheme, number: number): string {
  if (algorithm === 'ed25519' || algorithm === 'ecdsa-p256-sha256')
    return keyPair(algorithm, number).publicKey.toString(key.as)
  return key.as === 'utf8'
    ? `another secret, number ${number}`.padEnd(key.minBytes ?? 0, '.')
    : Buffer.alloc(32, number).toString(key.as)
}

function requestOf(vector: Vector): WebhookRequest {
  return {
    method: vector.method ?? 'POST',
    url: vector.url ?? '',
    headers: Object.entries(vector.headers).flat(),
    body: Buffer.from(vector.body, 'utf8'),
  }
}

function readableOf(headers: Readonly<Record<string, string>>): Readable {
  return readable({
    method: 'POST',
    url: '',
    headers: Object.entries(headers).flat(),
    body: new Uint8Array(),
  })
}

/** Beyond any scheme's tolerance. */
function longSeconds({ timestamp }: Scheme): number {
  return Math.max(4000, (timestamp?.toleranceSeconds ?? 0) + 1)
}

/** What the vector's sender listed as signed. */
function listedOf({ derives, signature }: Scheme, { headers }: Vector): Readonly<Record<string, string>> {
  const [place] = signature.in
  const own = place !== undefined && 'header' in place ? place.header : ''
  return derives === 'listed-headers'
    ? Object.fromEntries(Object.entries(headers).filter(([name]) => name !== own))
    : {}
}

function isInBody({ signature }: Scheme): boolean {
  return signature.in.some((place) => 'json' in place)
}

/** Whether any change of the body is one of what is signed. */
function signsBody({ content, derives }: Scheme): boolean {
  return content.includes('body') || derives === 'url-and-form'
}

function nowMs(vector: Vector): number {
  return (vector.now ?? 0) * 1000
}

/** The time in the vector's own text, which may be finer than `now`. */
function signedMs(scheme: Scheme, vector: Vector): number {
  if (scheme.timestamp === undefined) return 0
  const place = scheme.timestamp.in
  if ('json' in place) return nowMs(vector)
  const text =
    'header' in place
      ? vector.headers[place.header]
      : fieldsOf(scheme, vector)?.get('field' in place ? place.field : '')
  return parseTimestamp(typeof text === 'string' ? text : '', scheme.timestamp.unit) ?? Number.NaN
}

function idOf(scheme: Scheme, vector: Vector): { readonly id?: string } {
  const place = scheme.id?.in
  const id = place && 'header' in place ? vector.headers[place.header] : undefined
  return id === undefined ? {} : { id }
}

function fieldsOf(scheme: Scheme, { headers }: Vector): Fields {
  const read = readSignatures(readableOf(headers), scheme.signature)
  return (read.ok && read.fields) || new Map()
}

function signaturesIn(scheme: Scheme, headers: Readonly<Record<string, string>>): readonly string[] {
  const read = readSignatures(readableOf(headers), scheme.signature)
  return read.ok ? read.signatures : []
}

function sourceOf(scheme: Scheme, secret: string): Source {
  return defineSource(providerOf(scheme), { secret })
}

function providerOf(scheme: AnyScheme): Source['provider'] {
  return { name: 'vector', title: 'Vector', schemes: [scheme], envelopes: [] }
}

function refused(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason }
}

function headersOf(provider: string): readonly unknown[] {
  const { scheme, vector } = cases.find((each) => each.vector.provider === provider)!
  const input = { body: vector.body, nowMs: signedMs(scheme, vector), ...idOf(scheme, vector) }
  const made = sign(sourceOf(scheme, vector.secret), input)
  return [made, Object.fromEntries(Object.keys(made).map((name) => [name, vector.headers[name]]))]
}

function without(header: string, vector: Vector): Vector {
  const headers = { ...vector.headers }
  delete headers[header]
  return { ...vector, headers }
}
