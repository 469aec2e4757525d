/**
 * Twilio's own library against ours, in both directions, and the URLs and forms over which the two have disagreed: each of
 * these tests is named for the issue of twilio/twilio-node that tells of it.
 */
import { createHash } from 'node:crypto'
import { signRequest, verify, type Source, type Verdict } from 'postern'
import { twilio } from 'postern/providers'
import { samples } from 'postern/samples'
import {
  getExpectedTwilioSignature,
  validateRequest,
  validateRequestWithBody,
} from 'twilio/lib/webhooks/webhooks.js'
import { describe, expect, test } from 'vitest'

const TOKEN = '12345678901234567890123456789012'
const BASE = 'https://example.com/hooks/twilio'
const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const MISMATCH = { ok: false, reason: 'signature_mismatch' }

type Parameters = Readonly<Record<string, string | readonly string[]>>

/** What Twilio sends: it signs one spelling of a URL, and calls another. */
function sent(signedUrl: string, parameters: Parameters, calledUrl = signedUrl): Sent {
  const signature = getExpectedTwilioSignature(TOKEN, signedUrl, { ...parameters })
  return { url: calledUrl, signature, body: formOf(parameters) }
}

interface Sent {
  readonly url: string
  readonly signature: string
  readonly body: string
}

function formOf(parameters: Parameters): string {
  const fields = Object.entries(parameters).flatMap(([name, value]) =>
    [value].flat().map((each): [string, string] => [name, each]),
  )
  return new URLSearchParams(fields).toString()
}

function arrive(
  { url, signature, body }: Sent,
  source: Source = twilio({ secret: TOKEN }),
): Promise<Verdict> {
  const headers = { 'x-twilio-signature': signature }
  return verify({ method: 'POST', url, headers, body: Buffer.from(body) }, source, { now: () => NOW_MS })
}

/** Signed by Twilio as one URL and called as another, it verifies; as any other URL or with other parameters, it does not. */
async function expectAccepted(signedUrl: string, calledUrl: string): Promise<void> {
  const parameters = { CallSid: 'CA1', CallStatus: 'completed' }
  const genuine = sent(signedUrl, parameters, calledUrl)
  expect(await arrive(genuine)).toMatchObject({ ok: true })
  expect(await arrive({ ...genuine, url: calledUrl.replace('example', 'elsewhere') })).toEqual(MISMATCH)
  expect(await arrive({ ...genuine, body: formOf({ ...parameters, CallStatus: 'busy' }) })).toEqual(MISMATCH)
}

describe('the library and ours', () => {
  const forms = samples.get('twilio')!.filter(({ type }) => !type.startsWith('com.'))
  const sinks = samples.get('twilio')!.filter(({ type }) => type.startsWith('com.'))

  test('are tried with every sample', () => {
    expect([forms.length, sinks.length]).toEqual([2, 1])
  })

  test.each(forms)('accept what the other has signed, of a form: $type', async ({ build }) => {
    const built = build({ id: '0123456789abcdef0123456789abcdef', nowMs: NOW_MS })
    const parameters = Object.fromEntries(new URLSearchParams(built.body))
    const { headers } = signRequest(twilio({ secret: TOKEN }), { ...built, url: BASE, nowMs: NOW_MS })
    const signature = headers['x-twilio-signature'] ?? ''
    expect(validateRequest(TOKEN, signature, BASE, parameters)).toBe(true)
    expect(validateRequest(TOKEN, signature, BASE, { ...parameters, Forged: '1' })).toBe(false)
    expect(await arrive(sent(BASE, parameters))).toMatchObject({ ok: true, event: { data: parameters } })
  })

  test.each(sinks)('accept what the other has signed, of JSON: $type', async ({ build }) => {
    const built = build({ id: '0123456789abcdef0123456789abcdef', nowMs: NOW_MS })
    const made = signRequest(twilio({ secret: TOKEN }), { ...built, url: `${BASE}?a=1`, nowMs: NOW_MS })
    expect(made.url).toBe(`${BASE}?a=1&bodySHA256=${createHash('sha256').update(built.body).digest('hex')}`)
    const signature = made.headers['x-twilio-signature'] ?? ''
    expect(validateRequestWithBody(TOKEN, signature, made.url, built.body)).toBe(true)
    expect(validateRequestWithBody(TOKEN, signature, made.url, `${built.body} `)).toBe(false)

    const genuine = { ...sent(made.url, {}), body: built.body }
    expect(await arrive(genuine)).toMatchObject({
      ok: true,
      event: { type: 'com.twilio.messaging.message.delivered' },
    })
    expect(await arrive({ ...genuine, body: `${built.body} ` })).toEqual(MISMATCH)
  })

  test('agree on values that come more than once, in either order', async () => {
    const parameters = { 'MessagingBinding.Address': ['+1415', '+1325', '+1415'], MessageSid: 'SM1' }
    const genuine = sent(BASE, parameters)
    const swapped = formOf({ ...parameters, 'MessagingBinding.Address': ['+1325', '+1415'] })
    expect(await arrive(genuine)).toMatchObject({ ok: true, event: { data: parameters } })
    expect(await arrive({ ...genuine, body: swapped })).toMatchObject({ ok: true })
  })

  test.each([
    ['no port, signed with it', 'https://example.com:443/h', 'https://example.com/h'],
    ['no port, signed with it, without TLS', 'http://example.com:80/h', 'http://example.com/h'],
    ['a port, signed without it', 'https://example.com/h', 'https://example.com:8443/h'],
    ['a port, signed with it', 'https://example.com:8443/h', 'https://example.com:8443/h'],
    ['user and password', 'https://a:b@example.com:443/h?x=1', 'https://a:b@example.com/h?x=1'],
    ['an IPv6 host', 'https://[2001:db8::1]:443/h', 'https://[2001:db8::1]/h'],
    ['a colon in its path', 'https://example.com:443/a:b@c', 'https://example.com/a:b@c'],
  ])('agree on a URL with %s', async (_, signedUrl, calledUrl) => {
    const { signature, body } = sent(signedUrl, { CallSid: 'CA1' }, calledUrl)
    expect(validateRequest(TOKEN, signature, calledUrl, { CallSid: 'CA1' })).toBe(true)
    expect(await arrive({ url: calledUrl, signature, body })).toMatchObject({ ok: true })
  })
})

describe('what was reported', () => {
  test('twilio/twilio-node#1059: a quote in the query is signed as it is, and comes as it is', async () => {
    const url = `${BASE}?FromCity=Trezzo%20Sull'Adda`
    await expectAccepted(url, url)
  })

  test('twilio/twilio-node#1061: a quote in the query is signed escaped, and comes as it is; or the other way round', async () => {
    await expectAccepted(`${BASE}?test=foo%27bar`, `${BASE}?test=foo'bar`)
    await expectAccepted(`${BASE}?test=foo'bar`, `${BASE}?test=foo%27bar`)
  })

  test('twilio/twilio-ruby#528: an apostrophe of a message in the query is signed as it is, and not escaped here', async () => {
    const url = `${BASE}?Body=It's+me&From=%2B15551234567`
    await expectAccepted(url, url)
    // As it was reported, by GET, where all of the message stands in the query.
    const { signature } = sent(url, {})
    const byGet = (called: string): Promise<Verdict> =>
      verify(
        {
          method: 'GET',
          url: called,
          headers: { 'x-twilio-signature': signature },
          body: new Uint8Array(),
        },
        twilio({ secret: TOKEN }),
      )
    expect(await byGet(url)).toMatchObject({ ok: true })
    expect(await byGet(url.replace('me', 'you'))).toEqual(MISMATCH)
  })

  test("twilio/twilio-node#1183: a quote beside a space that is escaped as '+'", async () => {
    const url = `${BASE}?name=William+O'hara`
    await expectAccepted(url, url)
  })

  test('twilio/twilio-node#1194: what came is tried as it came, and nothing of it is parsed and put together again', async () => {
    const url = `https://example.com/A/../b//c%2f?b=2&a=1&&x=%zz&empty=&ü=É`
    await expectAccepted(url, url)
  })

  test('twilio/twilio-node#145: a URL with a query is not escaped as a path', async () => {
    await expectAccepted(`${BASE}?foo=1`, `${BASE}?foo=1`)
    const genuine = sent(`${BASE}?foo=1`, { CallSid: 'CA1' })
    expect(await arrive({ ...genuine, url: `${BASE}%3Ffoo=1` })).toEqual(MISMATCH)
  })

  test('twilio/twilio-node#306: the query of the request counts where the URL is given as an option', async () => {
    const source = twilio({ secret: TOKEN, webhookUrl: BASE })
    const genuine = sent(`${BASE}?foo=1&bar=%2B2`, { CallSid: 'CA1' })
    // As a server behind a proxy sees it.
    expect(await arrive({ ...genuine, url: '/inner/path?foo=1&bar=%2B2' }, source)).toMatchObject({
      ok: true,
    })
    expect(await arrive({ ...genuine, url: '/inner/path?foo=2&bar=%2B2' }, source)).toEqual(MISMATCH)
    expect(await arrive({ ...genuine, url: '/inner/path' }, source)).toEqual(MISMATCH)
  })

  test("twilio/twilio-node#621: '@' and ':' in the query are signed as they are, and come escaped", async () => {
    await expectAccepted(
      `${BASE}?Caller=sip:1234567890@209.182.172.181&x=1`,
      `${BASE}?Caller=sip%3A1234567890%40209.182.172.181&x=1`,
    )
  })
})

describe('a request that was genuine once', () => {
  test('with its form cut up otherwise is the same event, with a conflict', async () => {
    const genuine = sent(BASE, { Body: 'b', MessageSid: 'SM1', SmsStatus: 'received' })
    const first = await arrive(genuine)
    const shifted = await arrive({ ...genuine, body: 'BodybMessage=SidSM1&SmsStatus=received' })
    expect(first).toMatchObject({ ok: true, event: { id: genuine.signature } })
    // Twilio puts nothing between names and values: such a form is signed, and only its id says that it was here before.
    expect(shifted).toMatchObject({ ok: true, event: { id: genuine.signature } })
  })

  test('does not verify with its body of JSON exchanged or left out', async () => {
    const body = '{"a":1}'
    const url = `${BASE}?bodySHA256=${createHash('sha256').update(body).digest('hex')}`
    const genuine = { ...sent(url, {}), body }
    expect(await arrive(genuine)).toMatchObject({ ok: true })
    for (const other of ['', '{"a":2}', 'a=1', 'bodySHA256=']) {
      expect(await arrive({ ...genuine, body: other })).toEqual(MISMATCH)
    }
  })

  test.each([
    ['in the middle', (digest: string) => `${BASE}?bodySHA256=${digest}&b=1`],
    ['twice', (digest: string) => `${BASE}?bodySHA256=${digest}&bodySHA256=${digest}`],
    ['empty', () => `${BASE}?bodySHA256=`],
    ['short', (digest: string) => `${BASE}?bodySHA256=${digest.slice(2)}`],
    ['inside another name', (digest: string) => `${BASE}?xbodySHA256=${digest}`],
    ['without a value', () => `${BASE}?bodySHA256`],
  ])('has its digest %s: nothing of it is taken', async (_, urlOf) => {
    const body = '{"a":1}'
    const url = urlOf(createHash('sha256').update(body).digest('hex'))
    expect(await arrive({ ...sent(url, {}), body })).toEqual({ ok: false, reason: 'missing_content' })
  })

  test('does not sign for a body that a value of its form names the digest of', async () => {
    const evil = '{"evil":true}'
    const digest = createHash('sha256').update(evil).digest('hex')
    const parameters = { Body: `&bodySHA256=${digest}`, From: '+1500', To: '+1500' }
    const { signature } = sent(`${BASE}?a=1`, parameters)
    const content = Object.entries(parameters).flat().join('')
    const verdict = await arrive({ url: `${BASE}?a=1${content}`, signature, body: evil })
    expect(verdict).toEqual({ ok: false, reason: 'missing_content' })
  })
})

describe('a form', () => {
  test.each([
    ['bytes that are no UTF-8', 'Body=%FF'],
    ['half of an escape', 'Body=%'],
    ['bytes that are not escaped', 'Body=é'],
    ['a line break', 'Body=a\r\n'],
    ['1,001 fields', Array.from({ length: 1001 }, (_, at) => `a${at}=1`).join('&')],
  ])('of %s is none', async (_, body) => {
    const { signature } = sent(BASE, { Body: '\uFFFD' })
    expect(await arrive({ url: BASE, signature, body })).toEqual({ ok: false, reason: 'missing_content' })
  })

  test('may hold the character that stands for what is no UTF-8', async () => {
    expect(await arrive(sent(BASE, { Body: '\uFFFD', MessageSid: 'SM1' }))).toMatchObject({ ok: true })
  })
})
