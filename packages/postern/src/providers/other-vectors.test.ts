/**
 * The vectors of providers whose keys are fetched, or whose senders choose what they sign. Keys stand in the vectors: `certPem`,
 * `jwks`, or the secret itself.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import * as jose from 'jose'
import { describe, expect, it } from 'vitest'
import { KEY_ID, ownCertificate, publicJwk, signToken } from '../../../../test/support/other-schemes.ts'
import { verify, type KeyFetch, type MessageAlgorithm, type Verdict } from '../core/index.ts'
import { awsSns, eventgridEntra, googlePubsub, httpMessageSignatures, paypal } from './index.ts'

interface Vector {
  readonly source: string
  readonly secret: string
  readonly algorithm?: MessageAlgorithm
  readonly certPem?: string
  readonly jwks?: object
  readonly method?: string
  readonly url?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly now: number
}

function vectorsOf(provider: string): readonly Vector[] {
  return JSON.parse(
    readFileSync(new URL(`../../../../vectors/${provider}.json`, import.meta.url), 'utf8'),
  ) as readonly Vector[]
}

function serving(text: string): KeyFetch {
  return () => Promise.resolve(new Response(text))
}

function arrive(
  source: Parameters<typeof verify>[1],
  { headers, body, now, method, url }: Vector,
  laterSeconds = 0,
): Promise<Verdict> {
  const request = { method, url, headers, body: Buffer.from(body) }
  return verify(request, source, { now: () => (now + laterSeconds) * 1000 })
}

const MISMATCH = { ok: false, reason: 'signature_mismatch' }

describe('RFC 9421, appendix B', () => {
  const vectors = vectorsOf('http-message-signatures').map((vector) => ({ title: vector.source, vector }))
  const sourceOf = ({ secret, algorithm }: Vector, components?: readonly string[]) =>
    httpMessageSignatures({ secret, algorithm: algorithm!, ...(components !== undefined && { components }) })

  it.each(vectors)('$title verifies', async ({ vector }) => {
    expect(await arrive(sourceOf(vector, []), vector)).toMatchObject({ ok: true })
  })

  it.each(vectors)('$title is stale after five minutes, and of the future before', async ({ vector }) => {
    const source = sourceOf(vector, [])
    expect(await arrive(source, vector, 300)).toMatchObject({ ok: true })
    expect(await arrive(source, vector, 301)).toMatchObject({ reason: 'stale' })
    expect(await arrive(source, vector, -301)).toMatchObject({ reason: 'future' })
  })

  it.each(vectors)('$title with one bit of its signature changed is refused', async ({ vector }) => {
    const [label, encoded] = vector.headers['signature']!.split('=:') as [string, string]
    const bytes = Buffer.from(encoded.slice(0, -1), 'base64')
    bytes[0]! ^= 1
    const headers = { ...vector.headers, signature: `${label}=:${bytes.toString('base64')}:` }
    expect(await arrive(sourceOf(vector, []), { ...vector, headers })).toEqual(MISMATCH)
  })

  it.each(vectors)('$title with a covered value changed is refused', async ({ vector }) => {
    const url = vector.url!.replace('Pet=dog', 'Pet=cat').replace('/foo', '/fop')
    const headers = { ...vector.headers, date: 'Tue, 20 Apr 2021 02:07:56 GMT' }
    // The first covers nothing, which is why what must be covered is the receiver's to say.
    const expected = vector.headers['signature-input']!.startsWith('sig-b21=()') ? { ok: true } : MISMATCH
    expect(await arrive(sourceOf(vector, []), { ...vector, url, headers })).toMatchObject(expected)
  })

  it('is accepted by default only where method, host, path and body are covered', async () => {
    const verdicts = await Promise.all(vectors.map(({ vector }) => arrive(sourceOf(vector), vector)))
    expect(verdicts.map((verdict) => (verdict.ok ? 'ok' : verdict.reason))).toEqual([
      'not_covered',
      'not_covered',
      'not_covered',
      'not_covered',
      'ok',
      'not_covered',
    ])
    const { vector } = vectors[4]!
    expect(await arrive(sourceOf(vector), { ...vector, body: '{"hello": "World"}' })).toEqual({
      ok: false,
      reason: 'digest_mismatch',
    })
  })
})

describe('a request of PayPal', () => {
  const [vector] = vectorsOf('paypal') as [Vector]
  const sourceOf = (webhookId: string, trusted: readonly string[]) =>
    paypal({ webhookId, fetch: serving(vector.certPem!), trustedCertificates: trusted })

  it('from its SDK’s tests verifies with its certificate', async () => {
    expect(await arrive(sourceOf(vector.secret, [vector.certPem!]), vector)).toMatchObject({
      ok: true,
      event: { id: 'WH-0G2756385H040842W-5Y612302CV158622M', type: 'PAYMENT.SALE.COMPLETED' },
    })
  })

  it('is refused for another webhook, with another body, or with a certificate that leads nowhere', async () => {
    const trusting = sourceOf(vector.secret, [vector.certPem!])
    expect(await arrive(sourceOf('4JH86294D6297924H', [vector.certPem!]), vector)).toEqual(MISMATCH)
    expect(await arrive(trusting, { ...vector, body: `${vector.body} ` })).toEqual(MISMATCH)
    const distrusting = paypal({ webhookId: vector.secret, fetch: serving(vector.certPem!) })
    expect(await arrive(distrusting, vector)).toEqual({ ok: false, reason: 'untrusted_certificate' })
    // Two years on its certificate has ended, which is found first.
    expect(await arrive(trusting, vector, 2 * 366 * 86_400)).toEqual({
      ok: false,
      reason: 'untrusted_certificate',
    })
  })
})

describe('a message that sns-validator accepts', () => {
  it.each(vectorsOf('aws-sns').map((vector) => [vector.headers['x-amz-sns-message-type'], vector] as const))(
    'verifies: %s',
    async (_, vector) => {
      const source = awsSns({
        topicArn: 'arn:aws:sns:us-east-1:123456789012:T',
        fetch: serving(vector.secret),
      })
      expect(await arrive(source, vector)).toMatchObject({ ok: true })
      expect(await arrive(source, { ...vector, body: vector.body.replace('world', 'World') })).toEqual(
        MISMATCH,
      )
      expect(await arrive(source, vector, 4000)).toMatchObject({ reason: 'stale' })
    },
  )
})

describe('a token that openssl signed', () => {
  const [vector] = vectorsOf('google-pubsub') as [Vector]

  it('verifies for its audience', async () => {
    const fetch = serving(JSON.stringify(vector.jwks))
    expect(await arrive(googlePubsub({ jose, audience: vector.secret, fetch }), vector)).toMatchObject({
      ok: true,
      event: { id: '2070443601311540', type: 'message' },
    })
    expect(await arrive(googlePubsub({ jose, audience: 'https://another', fetch }), vector)).toEqual({
      ok: false,
      reason: 'not_for_us',
    })
  })

  const [entra] = vectorsOf('eventgrid-entra') as [Vector & { readonly jwks: object }]
  const tenantId = '00000000-0000-0000-0000-000000000000'

  it('verifies for its tenant, its audience and its role', async () => {
    const fetch = serving(JSON.stringify(entra.jwks))
    const audience = entra.secret
    expect(await arrive(eventgridEntra({ jose, tenantId, audience, fetch }), entra)).toMatchObject({
      ok: true,
      event: { id: '["/subscriptions/sample","1"]', type: 'Sample.Created' },
    })
    const others = [
      eventgridEntra({ jose, tenantId: tenantId.replace('0', '1'), audience, fetch }),
      eventgridEntra({ jose, tenantId, audience: 'api://other', fetch }),
    ]
    for (const source of others) {
      expect(await arrive(source, entra)).toEqual({ ok: false, reason: 'not_for_us' })
    }
  })

  it('is not for us without the role of a sender: any application of the tenant is given one', async () => {
    const { own } = ownCertificate()
    const fetch = serving(JSON.stringify({ keys: [{ ...publicJwk(own), kid: KEY_ID }] }))
    const source = eventgridEntra({ jose, tenantId, audience: entra.secret, fetch })
    const { now } = entra
    const tokenOf = (roles: unknown): string =>
      `Bearer ${signToken({ iss: `https://sts.windows.net/${tenantId}/`, aud: entra.secret, iat: now, exp: now + 60, roles })}`
    const arriveWith = (roles: unknown): Promise<Verdict> =>
      arrive(source, { ...entra, headers: { authorization: tokenOf(roles) } })
    expect(await arriveWith(['Other', 'AzureEventGridSecureWebhookSubscriber'])).toMatchObject({ ok: true })
    for (const roles of [
      undefined,
      [],
      ['Other'],
      'Other',
      {},
      [['AzureEventGridSecureWebhookSubscriber']],
    ]) {
      expect(await arriveWith(roles)).toEqual({ ok: false, reason: 'not_for_us' })
    }
  })
})
