/** What single providers do that the suite over all of them cannot know: their options, and what one event is. */
import { createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { verify, type Source, type Verdict } from '../core/index.ts'
import { verifyRequest } from '../core/verify.ts'
import {
  basicAuth,
  box,
  discord,
  docusign,
  gitlab,
  grafana,
  hubspot,
  hubspotV2,
  okta,
  shopify,
  slack,
  square,
  stripe,
  trello,
} from './index.ts'

const SECRET = 'a signing secret, long enough'
const NOW_MS = 1_772_490_001_000

interface Vector {
  readonly secret: string
  readonly method?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly now?: number
}

function vectorOf(provider: string, at = 0): Vector {
  const file = new URL(`../../../../vectors/${provider}.json`, import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[])[at]!
}

/** As a server sees it: the path, not the URL that was signed. */
function arrive(
  source: Source,
  { headers, body, method = 'POST', now = NOW_MS / 1000 }: Omit<Vector, 'secret'>,
): Promise<Verdict> {
  const request = { method, url: '/webhooks/own?x=1', headers, body: Buffer.from(body) }
  return verify(request, source, { now: () => now * 1000 })
}

function hmac(content: string, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHmac('sha256', SECRET).update(content).digest(encoding)
}

const MISMATCH = { ok: false, reason: 'signature_mismatch' }

describe('a provider that signs its URL takes it from its options, not from the request', () => {
  it.each([
    [
      'square',
      1,
      (secret: string, notificationUrl: string) => square({ secret, notificationUrl }),
      'https://example.com/webhook',
    ],
    [
      'trello',
      0,
      (secret: string, callbackUrl: string) => trello({ secret, callbackUrl }),
      'https://example.com/hooks',
    ],
    [
      'hubspot',
      0,
      (secret: string, targetUrl: string) => hubspot({ secret, targetUrl }),
      'https://webhook.site/335453f5-94b3-49d9-b684-a55354d4b8df',
    ],
  ] as const)('%s', async (provider, at, make, url) => {
    const vector = vectorOf(provider, at)
    expect(await arrive(make(vector.secret, url), vector)).toMatchObject({ ok: true })
    expect(await arrive(make(vector.secret, `${url}/`), vector)).toEqual(MISMATCH)
  })

  it('hubspot, in the form that is signed: twelve escapes are decoded, others are not', async () => {
    const source = hubspot({ secret: SECRET, targetUrl: 'https://example.com/h?to=a%40b%3ac%20d%2Be%5B' })
    const signed = hmac(`POSThttps://example.com/h?to=a@b:c%20d%2Be%5B[{}]${NOW_MS}`, 'base64')
    const headers = { 'x-hubspot-signature-v3': signed, 'x-hubspot-request-timestamp': String(NOW_MS) }
    expect(await arrive(source, { headers, body: '[{}]' })).toMatchObject({ ok: true })
  })

  it('hubspot-v2', async () => {
    const source = hubspotV2({ secret: SECRET, targetUrl: 'https://example.com/h' })
    const digest = createHash('sha256').update(`${SECRET}POSThttps://example.com/h{}`).digest('hex')
    const headers = { 'x-hubspot-signature-version': 'v2', 'x-hubspot-signature': digest }
    expect(await arrive(source, { headers, body: '{}' })).toMatchObject({ ok: true })
    expect(await arrive(source, { headers, body: '{ }' })).toEqual(MISMATCH)
  })
})

describe('a header of your own', () => {
  it('of a time, for Grafana, makes it a part of what is signed', async () => {
    const source = grafana({ secret: SECRET, timestampHeader: 'X-Grafana-Alerting-Timestamp' })
    const signedAt = (seconds: number): Readonly<Record<string, string>> => ({
      'x-grafana-alerting-signature': hmac(`${seconds}:{"status":"firing"}`),
      'x-grafana-alerting-timestamp': String(seconds),
    })
    const body = '{"status":"firing"}'
    expect(await arrive(source, { headers: signedAt(NOW_MS / 1000), body })).toMatchObject({ ok: true })
    expect(await arrive(source, { headers: signedAt(NOW_MS / 1000 - 301), body })).toMatchObject({
      reason: 'stale',
    })
    const bare = { 'x-grafana-alerting-signature': hmac(body) }
    expect(await arrive(source, { headers: bare, body })).toMatchObject({ reason: 'missing_header' })
  })

  it('of a signature, for Grafana', async () => {
    const source = grafana({ secret: SECRET, header: 'X-Own' })
    expect(await arrive(source, { headers: { 'x-own': hmac('{}') }, body: '{}' })).toMatchObject({ ok: true })
  })

  it('of a secret, for Okta, which is not kept', async () => {
    const source = okta({ secret: SECRET, header: 'X-Own' })
    const verdict = await arrive(source, { headers: { 'x-own': SECRET, 'x-other': '1' }, body: '{}' })
    expect(verdict).toMatchObject({ ok: true, event: { headers: ['x-other', '1'] } })
    expect(await arrive(source, { headers: { authorization: SECRET }, body: '{}' })).toMatchObject({
      reason: 'missing_header',
    })
  })
})

it('basic authentication takes id and type from where you say', async () => {
  const source = basicAuth({
    secret: 'ada:lovelace, long enough',
    id: ['event', 'key'],
    type: ['event', 'kind'],
  })
  const authorization = `basic ${Buffer.from('ada:lovelace, long enough').toString('base64')}`
  expect(
    await arrive(source, { headers: { authorization }, body: '{"event":{"key":"k1","kind":"made"}}' }),
  ).toMatchObject({ ok: true, event: { id: 'k1', type: 'made' } })
})

it("a form of Slack's is kept as an event without data, with its bytes", async () => {
  const vector = vectorOf('slack')
  expect(await arrive(slack({ secret: vector.secret }), vector)).toMatchObject({
    ok: true,
    event: { type: 'unknown', data: undefined, body: Buffer.from(vector.body) },
  })
})

describe('one event', () => {
  function read(source: Source, headers: Readonly<Record<string, string>>, body: string): unknown {
    const request = {
      method: 'POST',
      url: '',
      headers: Object.entries(headers).flat(),
      body: Buffer.from(body),
    }
    const verified = verifyRequest(request, source, NOW_MS)
    if (!verified.ok) throw new Error(verified.reason)
    return {
      id: verified.read.id,
      kind: verified.read.idKind,
      type: verified.read.type,
      key: verified.read.orderingKey,
    }
  }

  it('of Stripe is its id, whenever it was signed', () => {
    const body = '{"id":"evt_1","type":"invoice.paid","data":{"object":{"id":"in_1"}}}'
    const at = (seconds: number): unknown =>
      read(
        stripe({ secret: SECRET }),
        { 'stripe-signature': `t=${seconds},v1=${hmac(`${seconds}.${body}`)}` },
        body,
      )
    expect(at(NOW_MS / 1000)).toEqual({ id: 'evt_1', kind: 'signed', type: 'invoice.paid', key: 'in_1' })
    expect(at(NOW_MS / 1000 - 60)).toEqual(at(NOW_MS / 1000))
  })

  it('of Shopify is its id and topic, neither of which is signed', () => {
    const of = (topic: string): unknown =>
      read(
        shopify({ secret: SECRET }),
        {
          'x-shopify-hmac-sha256': hmac('{}', 'base64'),
          'x-shopify-event-id': 'e1',
          'x-shopify-topic': topic,
        },
        '{}',
      )
    expect(of('orders/create')).toMatchObject({ id: '["e1","orders/create"]', kind: 'unsigned' })
    expect(of('orders/paid')).toMatchObject({ id: '["e1","orders/paid"]' })
  })

  it('of DocuSign is the same however often it was tried', () => {
    const tried = (retryCount: number): unknown => {
      const body = JSON.stringify({
        event: 'envelope-completed',
        retryCount,
        configurationId: 1,
        generatedDateTime: '2026-03-02T22:20:01.1234567Z',
        data: { envelopeId: 'e1' },
      })
      return read(docusign({ secret: SECRET }), { 'x-docusign-signature-1': hmac(body, 'base64') }, body)
    }
    expect(tried(1)).toEqual(tried(0))
    expect(tried(0)).toMatchObject({ kind: 'signed', key: 'e1' })
  })

  it('of GitLab is the message id, which is signed', () => {
    const key = Buffer.alloc(32, 7)
    const content = `m1.${NOW_MS / 1000}.{"object_kind":"push"}`
    const headers = {
      'webhook-id': 'm1',
      'webhook-timestamp': String(NOW_MS / 1000),
      'webhook-signature': `v1,${createHmac('sha256', key).update(content).digest('base64')}`,
    }
    const source = gitlab({ secret: `whsec_${key.toString('base64')}` })
    expect(read(source, headers, '{"object_kind":"push"}')).toMatchObject({
      id: 'm1',
      kind: 'signed',
      type: 'push',
    })
  })

  it('of Box is the id in its body rather than the one of its delivery', () => {
    const time = '2026-03-02T22:20:01Z'
    const of = (body: string): unknown =>
      read(
        box({ secret: SECRET }),
        {
          'box-signature-primary': hmac(body + time, 'base64'),
          'box-signature-version': '1',
          'box-signature-algorithm': 'HmacSHA256',
          'box-delivery-timestamp': time,
          'box-delivery-id': 'd1',
        },
        body,
      )
    expect(of('{"id":"b1","trigger":"FILE.MOVED"}')).toMatchObject({ id: 'b1', kind: 'signed' })
    expect(of('{"trigger":"FILE.MOVED"}')).toMatchObject({ id: 'd1', kind: 'unsigned' })
  })
})

it('a key of Discord that is none is refused at the start', () => {
  expect(() => discord({ secret: '00'.repeat(31) })).toThrow(/31 bytes long/)
  expect(() => discord({ secret: 'not hexadecimal' })).toThrow(/not valid hex/)
})
