/**
 * Signed requests from official documentation, SDK tests and, where none is published, the `openssl` command line
 * (`origin` in `vectors/hmac.json` says which), each under its provider's scheme as plain data.
 *
 * HMAC providers of `schemes.md` §1 that the Scheme cannot carry, and why:
 *
 * - Linear: its signature is carried, its replay window is not. The time is `webhookTimestamp` in the signed body, and
 *   a scheme's timestamp has to be a part of its own in `content`.
 * - Twilio, form: signs the sorted and joined form parameters. Twilio, JSON: signs the URL alone, which then holds the
 *   body's digest; and both are signed over several spellings of one URL.
 * - Mailgun, Adyen payments: the signature stands in the body, and `signature.in` knows headers only. (Mailgun's
 *   leaves the event unsigned.)
 * - Contentful, RFC 9421 `hmac-sha256`: the sender lists what it signed, in a canonical form.
 * - OpenAI with a secret that has no `whsec_`: that one is UTF-8, the others base64; a scheme has one form of key.
 * - HubSpot v3, Square, Trello: carried where `request.url` is the public URL in the form that was signed. HubSpot
 *   decodes some of its percent escapes before, and no data says so.
 * - Box: carried, but any key may have made any of its two signatures; Box pairs them.
 * - Mailchimp: has Calendly's form under a header that `schemes.md` does not name.
 * - The handshakes of X, Meta, Zoom, Dropbox, Asana and Notion are not part of a Scheme; their deliveries are.
 *
 * HubSpot v1 and v2 (plain SHA-256), Discord, SendGrid, PayPal, SNS and `v1a` are no HMAC.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { check, type CheckResult } from './check.ts'
import { Keyring } from './keyring.ts'
import type { WebhookRequest } from './request.ts'
import type { Part, SignatureScheme as Scheme } from './scheme.ts'
import { sign } from './sign.ts'
import { readSignatures, type Fields } from './signature-header.ts'
import { defineSource, type Source } from './source.ts'
import { parseTimestamp } from './timestamp.ts'

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
}

// The file is ours; its form is checked by every test that reads it.
const vectors = JSON.parse(
  readFileSync(new URL('../../../../vectors/hmac.json', import.meta.url), 'utf8'),
) as readonly Vector[]

/** HMAC over the body, in one header. */
function bodyScheme(
  header: string,
  form: Partial<Scheme['signature']> & Partial<Pick<Scheme, 'algorithm'>>,
): Scheme {
  const { algorithm = 'hmac-sha256', ...signature } = form
  return {
    name: header,
    algorithm,
    key: { as: 'utf8' },
    signature: { in: [{ header }], encoding: 'hex', ...signature },
    content: ['body'],
  }
}

/** `t=<time>,v1=<signature>` in one header, over `<time>.<body>`. */
function pairScheme(
  header: string,
  signature: Partial<Scheme['signature']> = {},
  timestamp: {
    name?: string
    unit?: 'seconds' | 'milliseconds'
    toleranceSeconds?: number
    join?: string
  } = {},
): Scheme {
  const { name = 't', unit = 'seconds', toleranceSeconds = 300, join = '.' } = timestamp
  return {
    name: header,
    algorithm: 'hmac-sha256',
    key: { as: 'utf8' },
    signature: {
      in: [{ header }],
      separator: ',',
      pairSeparator: '=',
      field: 'v1',
      encoding: 'hex',
      ...signature,
    },
    timestamp: { in: { field: name }, unit, toleranceSeconds },
    content: ['timestamp', { literal: join }, 'body'],
  }
}

/** Signature and time in two headers. */
function timedScheme(
  header: string,
  time: string,
  content: readonly Part[],
  form: Partial<Scheme['signature']> = {},
  unit: 'seconds' | 'milliseconds' | 'rfc3339' = 'seconds',
): Scheme {
  return {
    name: header,
    algorithm: 'hmac-sha256',
    key: { as: 'utf8' },
    signature: { in: [{ header }], encoding: 'hex', ...form },
    timestamp: { in: { header: time }, unit },
    content,
  }
}

function standardWebhooks(family: 'svix' | 'webhook', key: Scheme['key']): Scheme {
  return {
    name: family,
    algorithm: 'hmac-sha256',
    key,
    signature: { in: [{ header: `${family}-signature` }], separator: ' ', prefix: 'v1,', encoding: 'base64' },
    timestamp: { in: { header: `${family}-timestamp` }, unit: 'seconds' },
    id: { in: { header: `${family}-id` }, forbid: '.' },
    content: ['id', { literal: '.' }, 'timestamp', { literal: '.' }, 'body'],
  }
}

const WHSEC: Scheme['key'] = { as: 'base64', stripPrefixes: ['whsec_'], minBytes: 24 }
const SHA256_PREFIX = { prefix: 'sha256=' }
const BASE64 = { encoding: 'base64' } as const
const V0_COLON: readonly Part[] = [{ literal: 'v0:' }, 'timestamp', { literal: ':' }, 'body']

const schemes: Readonly<Record<string, Scheme>> = {
  'adyen-banking': { ...bodyScheme('hmacsignature', BASE64), key: { as: 'hex', minBytes: 32 } },
  asana: bodyScheme('x-hook-signature', {}),
  bitbucket: bodyScheme('x-hub-signature', SHA256_PREFIX),
  box: {
    name: 'box-v1',
    algorithm: 'hmac-sha256',
    key: { as: 'utf8' },
    signature: {
      in: [{ header: 'box-signature-primary' }, { header: 'box-signature-secondary' }],
      ...BASE64,
    },
    timestamp: { in: { header: 'box-delivery-timestamp' }, unit: 'rfc3339', toleranceSeconds: 600 },
    required: { 'box-signature-version': '1', 'box-signature-algorithm': 'HmacSHA256' },
    content: ['body', 'timestamp'],
  },
  calcom: bodyScheme('x-cal-signature-256', {}),
  calendly: pairScheme('calendly-webhook-signature', {}, { toleranceSeconds: 180 }),
  convoy: bodyScheme('x-convoy-signature', { algorithm: 'hmac-sha512' }),
  'convoy-base64': bodyScheme('x-convoy-signature', { algorithm: 'hmac-sha512', ...BASE64 }),
  customerio: timedScheme('x-cio-signature', 'x-cio-timestamp', V0_COLON),
  docusign: {
    ...bodyScheme('x-docusign-signature-1', BASE64),
    signature: {
      in: Array.from({ length: 100 }, (_, index) => ({ header: `x-docusign-signature-${index + 1}` })),
      ...BASE64,
    },
  },
  dropbox: bodyScheme('x-dropbox-signature', {}),
  elevenlabs: pairScheme('elevenlabs-signature', { field: 'v0' }, { toleranceSeconds: 1800 }),
  github: bodyScheme('x-hub-signature-256', SHA256_PREFIX),
  gitlab: standardWebhooks('webhook', { ...WHSEC, minBytes: 32 }),
  hubspot: timedScheme(
    'x-hubspot-signature-v3',
    'x-hubspot-request-timestamp',
    ['method', 'url', 'body', 'timestamp'],
    BASE64,
    'milliseconds',
  ),
  intercom: bodyScheme('x-hub-signature', { algorithm: 'hmac-sha1', prefix: 'sha1=' }),
  jira: bodyScheme('x-hub-signature', SHA256_PREFIX),
  lemonsqueezy: bodyScheme('x-signature', {}),
  linear: bodyScheme('linear-signature', {}),
  meta: bodyScheme('x-hub-signature-256', SHA256_PREFIX),
  mux: pairScheme('mux-signature'),
  notion: bodyScheme('x-notion-signature', SHA256_PREFIX),
  openai: standardWebhooks('webhook', WHSEC),
  paddle: pairScheme(
    'paddle-signature',
    { separator: ';', field: 'h1' },
    { name: 'ts', join: ':', toleranceSeconds: 5 },
  ),
  pagerduty: bodyScheme('x-pagerduty-signature', { separator: ',', prefix: 'v1=' }),
  polar: standardWebhooks('webhook', { as: 'utf8' }),
  razorpay: bodyScheme('x-razorpay-signature', {}),
  sanity: pairScheme('sanity-webhook-signature', { encoding: 'base64url' }, { unit: 'milliseconds' }),
  sentry: bodyScheme('sentry-hook-signature', {}),
  shopify: bodyScheme('x-shopify-hmac-sha256', BASE64),
  slack: timedScheme('x-slack-signature', 'x-slack-request-timestamp', V0_COLON, { prefix: 'v0=' }),
  square: { ...bodyScheme('x-square-hmacsha256-signature', BASE64), content: ['url', 'body'] },
  standardwebhooks: standardWebhooks('webhook', WHSEC),
  stripe: pairScheme('stripe-signature'),
  svix: standardWebhooks('svix', WHSEC),
  trello: {
    ...bodyScheme('x-trello-webhook', { algorithm: 'hmac-sha1', ...BASE64 }),
    content: ['body', 'url'],
  },
  twitch: {
    name: 'twitch-eventsub',
    algorithm: 'hmac-sha256',
    key: { as: 'utf8' },
    signature: { in: [{ header: 'twitch-eventsub-message-signature' }], prefix: 'sha256=', encoding: 'hex' },
    timestamp: {
      in: { header: 'twitch-eventsub-message-timestamp' },
      unit: 'rfc3339',
      toleranceSeconds: 600,
    },
    // Nothing stands between id and time: an id with a colon could have swallowed the time and a part of the body.
    id: { in: { header: 'twitch-eventsub-message-id' }, forbid: ':' },
    content: ['id', 'timestamp', 'body'],
  },
  typeform: bodyScheme('typeform-signature', { ...SHA256_PREFIX, ...BASE64 }),
  vercel: bodyScheme('x-vercel-signature', { algorithm: 'hmac-sha1' }),
  wandb: bodyScheme('x-wandb-signature', BASE64),
  webflow: timedScheme(
    'x-webflow-signature',
    'x-webflow-timestamp',
    ['timestamp', { literal: ':' }, 'body'],
    {},
    'milliseconds',
  ),
  workos: pairScheme('workos-signature', {}, { unit: 'milliseconds', toleranceSeconds: 180 }),
  x: bodyScheme('x-twitter-webhooks-signature', { ...SHA256_PREFIX, ...BASE64 }),
  zendesk: timedScheme(
    'x-zendesk-webhook-signature',
    'x-zendesk-webhook-signature-timestamp',
    ['timestamp', 'body'],
    BASE64,
    'rfc3339',
  ),
  zoom: timedScheme('x-zm-signature', 'x-zm-request-timestamp', V0_COLON, { prefix: 'v0=' }),
}

const cases = vectors.map((vector, index) => ({
  vector,
  scheme: schemes[vector.provider] as Scheme,
  title: `${vector.provider} #${index} (${vector.origin})`,
}))
const timed = cases.filter(({ scheme }) => scheme.timestamp !== undefined)
/** `sign` writes RFC 3339 with milliseconds; these vectors have seconds or nanoseconds. */
const signable = cases.filter(({ scheme }) => scheme.timestamp?.unit !== 'rfc3339')

describe('published vectors', () => {
  it('cover every scheme here, and every vector has its scheme', () => {
    expect([...new Set(vectors.map(({ provider }) => provider))].toSorted()).toEqual(
      Object.keys(schemes).toSorted(),
    )
    expect(vectors.every(({ expected }) => expected === 'valid')).toBe(true)
  })

  it.each(cases)('$title verifies', ({ scheme, vector }) => {
    expect(checked(scheme, vector)).toEqual({ ok: true, secretIndex: 0 })
  })

  it.each(cases)('$title verifies under a scheme that was JSON in between', ({ scheme, vector }) => {
    expect(checked(JSON.parse(JSON.stringify(scheme)) as Scheme, vector)).toEqual({
      ok: true,
      secretIndex: 0,
    })
  })

  it.each(cases)('$title with one byte more is refused', ({ scheme, vector }) => {
    expect(checked(scheme, { ...vector, body: `${vector.body} ` })).toEqual(refused('signature_mismatch'))
  })

  it.each(cases)('$title under another secret is refused', ({ scheme, vector }) => {
    const other = {
      utf8: 'another secret',
      hex: '00'.repeat(32),
      base64: Buffer.alloc(32).toString('base64'),
    }
    expect(checked(scheme, { ...vector, secret: other[scheme.key.as] })).toEqual(
      refused('signature_mismatch'),
    )
  })

  it.each(cases)('$title is recognised beside a newer secret', ({ scheme, vector }) => {
    const newer = {
      utf8: 'a newer secret',
      hex: '11'.repeat(32),
      base64: Buffer.alloc(32, 1).toString('base64'),
    }
    const keys = new Keyring([newer[scheme.key.as], vector.secret], scheme.key)
    expect(check(scheme, keys, requestOf(vector), { nowMs: nowMs(vector) })).toEqual({
      ok: true,
      secretIndex: 1,
    })
  })

  it.each(timed)('$title 4,000 s later is stale', ({ scheme, vector }) => {
    expect(checked(scheme, vector, 4000)).toEqual(refused('stale'))
  })

  it.each(timed)('$title 4,000 s before is of the future', ({ scheme, vector }) => {
    expect(checked(scheme, vector, -4000)).toEqual(refused('future'))
  })

  it.each(signable)('$title is what `sign` makes of its inputs', ({ scheme, vector }) => {
    const made = sign(sourceOf(scheme, vector.secret), {
      body: vector.body,
      nowMs: signedMs(scheme, vector),
      ...idOf(scheme, vector),
      ...(vector.method !== undefined && { method: vector.method }),
      ...(vector.url !== undefined && { url: vector.url }),
    })
    const [signature] = signaturesIn(scheme, made)
    expect(signaturesIn(scheme, vector.headers)).toContainEqual(signature)
  })

  it.each(signable)('$title, signed here, verifies', ({ scheme, vector }) => {
    const ms = signedMs(scheme, vector)
    const headers = sign(sourceOf(scheme, vector.secret), {
      body: vector.body,
      nowMs: ms,
      ...idOf(scheme, vector),
      ...(vector.method !== undefined && { method: vector.method }),
      ...(vector.url !== undefined && { url: vector.url }),
    })
    const keys = new Keyring([vector.secret], scheme.key)
    const request = { ...requestOf(vector), headers: Object.entries(headers).flat() }
    expect(check(scheme, keys, request, { nowMs: ms })).toEqual({ ok: true, secretIndex: 0 })
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
    expect(checked(schemes['box']!, without('box-signature-secondary', primary!)).ok).toBe(true)
    expect(checked(schemes['box']!, without('box-signature-primary', secondary!)).ok).toBe(true)
    expect(checked(schemes['box']!, without('box-signature-secondary', secondary!))).toEqual(
      refused('signature_mismatch'),
    )
  })

  it('refuses a Box request of another signature version or algorithm', () => {
    const vector = vectors.find(({ provider }) => provider === 'box')!
    const version = { ...vector, headers: { ...vector.headers, 'box-signature-version': '2' } }
    const algorithm = { ...vector, headers: { ...vector.headers, 'box-signature-algorithm': 'HmacSHA1' } }
    expect(checked(schemes['box']!, version)).toEqual(refused('malformed_header'))
    expect(checked(schemes['box']!, algorithm)).toEqual(refused('malformed_header'))
  })

  it('does not take a Stripe v0 signature for a v1', () => {
    const vector = vectors.find(({ provider }) => provider === 'stripe')!
    const header = vector.headers['stripe-signature']!.replace('v1=', 'v2=').replace('v0=', 'v1=')
    expect(checked(schemes['stripe']!, { ...vector, headers: { 'stripe-signature': header } })).toEqual(
      refused('signature_mismatch'),
    )
  })

  it('does not take a Standard Webhooks v1a entry for a v1', () => {
    const vector = vectors.find(({ provider }) => provider === 'standardwebhooks')!
    const headers = {
      ...vector.headers,
      'webhook-signature': vector.headers['webhook-signature']!.replace('v1,', 'v1a,'),
    }
    expect(checked(schemes['standardwebhooks']!, { ...vector, headers })).toEqual(refused('malformed_header'))
  })

  it('refuses a decoded PagerDuty secret: what looks like base64 there is the key itself', () => {
    const vector = vectors.find(({ provider }) => provider === 'pagerduty')!
    const decoding: Scheme = { ...schemes['pagerduty']!, key: { as: 'base64' } }
    expect(checked(decoding, vector)).toEqual(refused('signature_mismatch'))
  })

  // Every name-value entry that is not `field` is kept as a field, and a second of one name refuses the header; with
  // Standard Webhooks those names are versions, and a rotation of an ed25519 key sends two `v1a` entries.
  it('accepts a v1 entry beside two v1a entries, where entries are read as pairs', () => {
    const vector = vectors.find(({ provider }) => provider === 'standardwebhooks')!
    const { prefix: _, ...signature } = schemes['standardwebhooks']!.signature
    const paired: Scheme = {
      ...schemes['standardwebhooks']!,
      signature: { ...signature, pairSeparator: ',', field: 'v1' },
    }
    const header = `v1a,b25l ${vector.headers['webhook-signature']} v1a,dHdv`
    const rotating = { ...vector, headers: { ...vector.headers, 'webhook-signature': header } }
    expect(checked(paired, rotating)).toEqual({ ok: true, secretIndex: 0 })
  })

  // The time is in the body, and the body is signed; `defineSource` wants it as a part of its own.
  it("carries Linear's replay window", () => {
    const vector = vectors.find(({ provider }) => provider === 'linear')!
    const scheme: Scheme = {
      ...schemes['linear']!,
      timestamp: { in: { json: ['webhookTimestamp'] }, unit: 'milliseconds', toleranceSeconds: 60 },
    }
    expect(defineSource(providerOf(scheme), { secret: vector.secret }).warnings).toEqual([expect.any(String)])
    expect(checked(scheme, vector, 61)).toEqual(refused('stale'))
  })
})

function checked(scheme: Scheme, vector: Vector, laterSeconds = 0): CheckResult {
  const keys = new Keyring([vector.secret], scheme.key)
  return check(scheme, keys, requestOf(vector), { nowMs: nowMs(vector) + laterSeconds * 1000 })
}

function requestOf(vector: Vector): WebhookRequest {
  return {
    method: vector.method ?? 'POST',
    url: vector.url ?? '',
    headers: Object.entries(vector.headers).flat(),
    body: Buffer.from(vector.body, 'utf8'),
  }
}

function nowMs(vector: Vector): number {
  return (vector.now ?? 0) * 1000
}

/** The time in the vector's own text, which may be finer than `now`. */
function signedMs(scheme: Scheme, vector: Vector): number {
  if (scheme.timestamp === undefined) return 0
  const place = scheme.timestamp.in
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
  const read = readSignatures(Object.entries(headers).flat(), scheme.signature, scheme.algorithm)
  return (read.ok && read.fields) || new Map()
}

function signaturesIn(scheme: Scheme, headers: Readonly<Record<string, string>>): readonly Uint8Array[] {
  const read = readSignatures(Object.entries(headers).flat(), scheme.signature, scheme.algorithm)
  return read.ok ? read.signatures : []
}

function sourceOf(scheme: Scheme, secret: string): Source {
  return defineSource(providerOf(scheme), { secret })
}

function providerOf(scheme: Scheme): Source['provider'] {
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
