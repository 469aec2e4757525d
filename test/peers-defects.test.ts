/**
 * Defects of other libraries that verify webhooks, each named after the library and, where it was reported, the issue.
 * Where the library is installed, what it does is shown beside what we do: a row whose `theirs` fails is out of date.
 */
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { WebhookVerificationService as tern } from '@hookflo/tern'
import { sign as octokitSign, verify as octokitVerify } from '@octokit/webhooks-methods'
import { Paddle } from '@paddle/paddle-node-sdk'
import { WorkOS } from '@workos-inc/node'
import { sign, verify, type Reason, type Source } from 'postern'
import * as of from 'postern/providers'
import { validateWebhook } from 'replicate'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Stripe } from 'stripe'
import { Webhook as SvixWebhook } from 'svix'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const NOW = String(NOW_MS / 1000)
const TEXT = 'a signing secret, long enough'
const KEY = Buffer.alloc(32, 7)
const WHSEC = `whsec_${KEY.toString('base64')}`
const stripeApi = new Stripe('sk_test_of_no_account')
const workosApi = new WorkOS('sk_test_of_no_account')
const paddleApi = new Paddle('of no account')

type Headers = Readonly<Record<string, string>>

// Libraries take the time from `Date`.
beforeAll(() => vi.useFakeTimers({ toFake: ['Date'], now: NOW_MS }))
afterAll(() => vi.useRealTimers())

/** `ok`, or why not. */
async function outcome(
  source: Source,
  headers: Headers,
  body: string | Uint8Array,
  url = '/',
): Promise<Reason | 'ok'> {
  const verdict = await verify({ method: 'POST', url, headers, body: Buffer.from(body) }, source, {
    now: () => NOW_MS,
  })
  return verdict.ok ? 'ok' : verdict.reason
}

function hmac(
  parts: readonly (string | Uint8Array)[],
  encoding: 'hex' | 'base64',
  key: string | Uint8Array = TEXT,
): string {
  const made = createHmac('sha256', key)
  for (const part of parts) made.update(part)
  return made.digest(encoding)
}

function standardHeaders(
  body: string | Uint8Array,
  { id = 'msg_1', time = NOW, family = 'webhook', version = 'v1', key = KEY as string | Uint8Array } = {},
): Headers {
  return {
    [`${family}-id`]: id,
    [`${family}-timestamp`]: time,
    [`${family}-signature`]: `${version},${hmac([`${id}.${time}.`, body], 'base64', key)}`,
  }
}

function stripeHeaders(body: string | Uint8Array, time = NOW): Headers {
  return { 'stripe-signature': `t=${time},v1=${hmac([`${time}.`, body], 'hex')}` }
}

/** Whether a function that says no by throwing says yes. */
function passes(check: () => unknown): boolean {
  try {
    return check() !== false
  } catch {
    return false
  }
}

const standard = of.standardWebhooks({ secret: WHSEC })
const stripe = of.stripe({ secret: TEXT })
const github = of.github({ secret: TEXT })
const FF = Buffer.from([0x22, 0xff, 0x22])
const FE = Buffer.from([0x22, 0xfe, 0x22])

interface Defect {
  readonly name: string
  readonly ours: () => Promise<void> | void
  readonly theirs?: () => Promise<void> | void
}

const standardDefects: readonly Defect[] = [
  {
    name: 'standardwebhooks 1.1.1: a Uint8Array is refused',
    ours: async () => {
      const verdict = await verify(
        { headers: standardHeaders('{}'), body: new TextEncoder().encode('{}') },
        standard,
        {
          now: () => NOW_MS,
        },
      )
      expect(verdict.ok).toBe(true)
    },
    theirs: () => {
      const bytes = new TextEncoder().encode('{}') as unknown as string
      expect(() => new StandardWebhook(WHSEC).verify(bytes, { ...standardHeaders('{}') })).toThrow(
        'string or Buffer',
      )
    },
  },
  {
    name: 'standardwebhooks 1.1.1: the bytes FF and FE share one signature',
    ours: async () => {
      const headers = standardHeaders(FF)
      expect(await outcome(standard, headers, FE)).toBe('signature_mismatch')
    },
    theirs: () => {
      const headers = standardHeaders('"\ufffd"')
      const library = new StandardWebhook(WHSEC)
      expect(
        passes(() => library.verify(FF, { ...headers })) && passes(() => library.verify(FE, { ...headers })),
      ).toBe(true)
      expect(passes(() => library.verify(FF, { ...standardHeaders(FF) }))).toBe(false)
    },
  },
  {
    name: 'standardwebhooks 1.1.1: a time with junk behind it is taken for the time before the junk',
    ours: async () => {
      const headers = { ...standardHeaders('{}'), 'webhook-timestamp': `${NOW}junk` }
      expect(await outcome(standard, headers, '{}')).toBe('malformed_timestamp')
    },
    theirs: () => {
      const headers = { ...standardHeaders('{}'), 'webhook-timestamp': `${NOW}junk` }
      expect(passes(() => new StandardWebhook(WHSEC).verify('{}', headers))).toBe(true)
    },
  },
  {
    name: 'standardwebhooks 1.1.1: a dot in the id moves the boundary to the body',
    ours: async () => {
      expect(await outcome(standard, shifted(), '{"type":"evil"}')).toBe('malformed_id')
    },
    theirs: () => {
      expect(new StandardWebhook(WHSEC).verify('{"type":"evil"}', shifted())).toEqual({ type: 'evil' })
    },
  },
  {
    name: 'standardwebhooks 1.1.1: a raw secret loses what is above Latin-1',
    ours: async () => {
      const [one, other] = [of.polar({ secret: 'ā'.repeat(32) }), of.polar({ secret: '\u0001'.repeat(32) })]
      const headers = standardHeaders('{"type":"a"}', { key: Buffer.from('ā'.repeat(32)) })
      expect(await outcome(one, headers, '{"type":"a"}')).toBe('ok')
      expect(await outcome(other, headers, '{"type":"a"}')).toBe('signature_mismatch')
    },
    theirs: () => {
      const raw = new StandardWebhook('ā', { format: 'raw' }).sign('a', new Date(NOW_MS), '{}')
      expect(raw).toBe(new StandardWebhook('\u0001', { format: 'raw' }).sign('a', new Date(NOW_MS), '{}'))
    },
  },
  {
    name: 'standard-webhooks#262 and #263: an empty body',
    ours: async () => {
      const headers = standardHeaders('')
      expect(await outcome(standard, headers, '')).toBe('malformed_body')
      expect(await outcome(standard, headers, ' ')).toBe('signature_mismatch')
    },
  },
  {
    name: 'standardwebhooks 1.1.1: one secret at a time',
    ours: async () => {
      const both = of.standardWebhooks({ secret: [`whsec_${Buffer.alloc(32, 9).toString('base64')}`, WHSEC] })
      expect(await outcome(both, standardHeaders('{}'), '{}')).toBe('ok')
    },
  },
  {
    name: 'svix 1.99.1: the id of one family of headers with the signature of another',
    ours: async () => {
      const mixed = { ...standardHeaders('{}', { family: 'svix' }) }
      const { 'svix-id': id, ...rest } = mixed
      expect(await outcome(of.svix({ secret: WHSEC }), { ...rest, 'webhook-id': id! }, '{}')).toBe(
        'missing_header',
      )
    },
    theirs: () => {
      const { 'svix-id': id, ...rest } = standardHeaders('{}', { family: 'svix' })
      expect(passes(() => new SvixWebhook(WHSEC).verify('{}', { ...rest, 'webhook-id': id! }))).toBe(true)
    },
  },
  {
    name: 'svix/svix-webhooks#981, #1171, openai/openai-node#1950: bytes of another kind than Buffer; standardwebhooks 1.1.1: the offset of a view is not looked at',
    ours: async () => {
      const view = new Uint8Array(Buffer.from('..{"type":"a"}..')).subarray(2, -2)
      const headers = standardHeaders('{"type":"a"}')
      const verdict = await verify({ headers, body: view }, standard, { now: () => NOW_MS })
      expect(verdict.ok).toBe(true)
    },
  },
  {
    name: 'polarsource/polar#13256: a secret that looks encoded and is not',
    ours: async () => {
      const headers = standardHeaders('{"type":"a"}', { key: 'polar_whs_abcdefghijklmnop' })
      expect(await outcome(of.polar({ secret: 'polar_whs_abcdefghijklmnop' }), headers, '{"type":"a"}')).toBe(
        'ok',
      )
    },
  },
  {
    name: 'openai 6.49: a tolerance of NaN switches freshness off',
    ours: () => {
      expect(() => of.openai({ secret: WHSEC, toleranceSeconds: Number.NaN })).toThrow('toleranceSeconds')
    },
  },
  {
    name: 'openai 6.49: a time with a dot and a part of the body, or no id',
    ours: async () => {
      const openai = of.openai({ secret: WHSEC })
      const time = `${NOW}.{"a":1}`
      expect(await outcome(openai, standardHeaders('', { time }), '')).toBe('malformed_timestamp')
      expect(await outcome(openai, standardHeaders('{}', { id: '' }), '{}')).toBe('malformed_id')
    },
  },
  {
    name: 'replicate 1.4.0: no time is looked at, and any version',
    ours: async () => {
      const replicate = of.replicate({ secret: WHSEC })
      expect(await outcome(replicate, standardHeaders('{}', { time: '1' }), '{}')).toBe('stale')
      expect(await outcome(replicate, standardHeaders('{}', { version: 'v0' }), '{}')).toBe(
        'malformed_header',
      )
    },
    theirs: async () => {
      for (const headers of [
        standardHeaders('{}', { time: '1' }),
        standardHeaders('{}', { version: 'v0' }),
      ]) {
        const [id, timestamp, signature] = Object.values(headers) as [string, string, string]
        expect(await validateWebhook({ id, timestamp, signature, body: '{}', secret: WHSEC })).toBe(true)
      }
    },
  },
  {
    name: 'replicate 1.4.0: a body that was parsed is written anew and verified',
    ours: async () => {
      const sent = '{ "status": "succeeded" }'
      const replicate = of.replicate({ secret: WHSEC })
      const headers = standardHeaders(JSON.stringify(JSON.parse(sent)))
      expect(await outcome(replicate, headers, sent)).toBe('signature_mismatch')
      const parsed = JSON.parse(sent) as Uint8Array
      const verdict = await verify({ headers, body: parsed }, replicate)
      expect(verdict).toEqual({ ok: false, reason: 'body_already_parsed' })
    },
    theirs: async () => {
      const body = JSON.parse('{ "status": "succeeded" }') as string
      const [id, timestamp, signature] = Object.values(standardHeaders(JSON.stringify(body))) as [
        string,
        string,
        string,
      ]
      expect(await validateWebhook({ id, timestamp, signature, body, secret: WHSEC })).toBe(true)
    },
  },
]

/** A genuine request of yesterday, of whose body an attacker has written the beginning; split elsewhere. */
function shifted(): Record<string, string> {
  const yesterday = String(Number(NOW) - 86_400)
  const signature = standardHeaders(`${NOW}.{"type":"evil"}`, { time: yesterday })['webhook-signature']!
  return { 'webhook-id': `msg_1.${yesterday}`, 'webhook-timestamp': NOW, 'webhook-signature': signature }
}

const future = String(Number(NOW) + 315_360_000)

const stripeDefects: readonly Defect[] = [
  {
    name: 'stripe 23.1.0, stripe/stripe-php#658, stripe/stripe-dotnet#1183: times in the future pass',
    ours: async () => {
      expect(await outcome(stripe, stripeHeaders('{}', future), '{}')).toBe('future')
    },
    theirs: () => {
      const header = stripeHeaders('{}', future)['stripe-signature']!
      expect(passes(() => stripeApi.webhooks.constructEvent('{}', header, TEXT))).toBe(true)
    },
  },
  {
    name: 'stripe 23.1.0: `t=abc` is the time NaN, which is never too old',
    ours: async () => {
      const header = { 'stripe-signature': `t=abc,v1=${hmac(['NaN.', '{}'], 'hex')}` }
      expect(await outcome(stripe, header, '{}')).toBe('malformed_timestamp')
    },
    theirs: () => {
      const header = `t=abc,v1=${hmac(['NaN.', '{}'], 'hex')}`
      expect(passes(() => stripeApi.webhooks.constructEvent('{}', header, TEXT))).toBe(true)
    },
  },
  {
    name: 'stripe 23.1.0: a signature beyond ASCII, or none behind `v1`, throws what is no refusal',
    ours: async () => {
      for (const signature of ['é'.repeat(64), '']) {
        const headers = { 'stripe-signature': `t=${NOW},v1=${signature}` }
        expect(await outcome(stripe, headers, '{}')).toMatch(/^(malformed_header|bad_encoding)$/)
      }
    },
    theirs: () => {
      const header = `t=${NOW},v1=${'é'.repeat(64)}`
      expect(() => stripeApi.webhooks.constructEvent('{}', header, TEXT)).toThrow(RangeError)
    },
  },
  {
    name: 'stripe 23.1.0: a body with a byte order mark fails',
    ours: async () => {
      expect(
        await outcome(stripe, stripeHeaders('\ufeff{"id":"a","type":"b"}'), '\ufeff{"id":"a","type":"b"}'),
      ).toBe('ok')
    },
    theirs: () => {
      const header = stripeHeaders('\ufeff{}')['stripe-signature']!
      expect(passes(() => stripeApi.webhooks.constructEvent(Buffer.from('\ufeff{}'), header, TEXT))).toBe(
        false,
      )
    },
  },
  {
    name: 'stripe 23.1.0: a tolerance of 0 looks at no time',
    ours: async () => {
      const strict = of.stripe({ secret: TEXT, toleranceSeconds: 0 })
      expect(await outcome(strict, stripeHeaders('{}', '1'), '{}')).toBe('stale')
    },
    theirs: () => {
      const header = stripeHeaders('{}', '1')['stripe-signature']!
      expect(passes(() => stripeApi.webhooks.constructEvent('{}', header, TEXT, 0))).toBe(true)
    },
  },
  {
    name: 'stripe 23.1.0: one secret at a time',
    ours: async () => {
      const both = of.stripe({ secret: ['the secret that comes next', TEXT] })
      expect(await outcome(both, stripeHeaders('{"id":"a","type":"b"}'), '{"id":"a","type":"b"}')).toBe('ok')
    },
    theirs: () => {
      const header = stripeHeaders('{}')['stripe-signature']!
      expect(
        passes(() => stripeApi.webhooks.constructEvent('{}', header, 'the secret that comes next')),
      ).toBe(false)
    },
  },
  {
    name: '@hookflo/tern 4.1.0: seconds and milliseconds are told apart by their size',
    ours: async () => {
      expect(await outcome(stripe, stripeHeaders('{}', String(NOW_MS)), '{}')).toBe('future')
      const seconds = { 'workos-signature': workosHeader(NOW) }
      expect(await outcome(of.workos({ secret: TEXT }), seconds, '{"id":"a","event":"b"}')).toBe('stale')
    },
    theirs: async () => {
      const request = new Request('https://a.example', {
        method: 'POST',
        headers: stripeHeaders('{}', String(NOW_MS)),
        body: '{}',
      })
      expect((await tern.verify(request, { platform: 'stripe', secret: TEXT })).isValid).toBe(true)
    },
  },
  {
    name: 'stripe/stripe-node#1778: a request is verified for the moment at which it came',
    ours: async () => {
      const headers = stripeHeaders('{"id":"a","type":"b"}')
      const body = Buffer.from('{"id":"a","type":"b"}')
      const later = await verify({ headers, body }, stripe, { now: () => NOW_MS + 3_600_000 })
      expect(later).toEqual({ ok: false, reason: 'stale' })
      expect((await verify({ headers, body }, stripe, { now: () => NOW_MS })).ok).toBe(true)
    },
  },
  {
    name: 'qhook, Hookaido and @hookflo/tern 4.1.0: of two `v1` only one is looked at',
    ours: async () => {
      const good = hmac([`${NOW}.`, '{"id":"a","type":"b"}'], 'hex')
      for (const header of [
        `t=${NOW},v1=${good},v1=${'0'.repeat(64)}`,
        `t=${NOW},v1=${'0'.repeat(64)},v1=${good}`,
      ])
        expect(await outcome(stripe, { 'stripe-signature': header }, '{"id":"a","type":"b"}')).toBe('ok')
    },
    theirs: async () => {
      const good = hmac([`${NOW}.`, '{}'], 'hex')
      const header = `t=${NOW},v1=${good},v1=${'0'.repeat(64)}`
      const request = new Request('https://a.example', {
        method: 'POST',
        headers: { 'stripe-signature': header },
        body: '{}',
      })
      expect((await tern.verify(request, { platform: 'stripe', secret: TEXT })).isValid).toBe(false)
    },
  },
  {
    name: '@hookflo/tern 4.1.0: two events of one `request.idempotency_key` are one',
    ours: async () => {
      const body = (id: string): string => `{"id":"${id}","type":"a","request":{"idempotency_key":"k"}}`
      const ids = await Promise.all(
        ['evt_1', 'evt_2'].map(async (id) => {
          const verdict = await verify(
            { headers: stripeHeaders(body(id)), body: Buffer.from(body(id)) },
            stripe,
            {
              now: () => NOW_MS,
            },
          )
          return verdict.ok && verdict.event.id
        }),
      )
      expect(ids).toEqual(['evt_1', 'evt_2'])
    },
  },
]

const paddleHeader = (signatures: string, time = NOW): string => `ts=${time};${signatures}`
const workosHeader = (time: string, [t, v1] = ['t', 'v1']): string =>
  `${t}=${time}, ${v1}=${hmac([`${time}.`, '{"id":"a","event":"b"}'], 'hex')}`

const otherDefects: readonly Defect[] = [
  {
    name: '@octokit/webhooks-methods 6.0.0: an empty body throws',
    ours: async () => {
      expect(await outcome(github, { 'x-hub-signature-256': `sha256=${hmac([''], 'hex')}` }, '')).toBe(
        'malformed_body',
      )
    },
    theirs: async () => {
      await expect(octokitVerify(TEXT, '', 'sha256=00')).rejects.toThrow(TypeError)
    },
  },
  {
    name: 'octokit/webhooks.js#71, #76, #593, #1155, github/docs#3567 and hono-webhook-verify: text beyond ASCII, as bytes',
    ours: async () => {
      const body = '{"title":"größer 👍 \u2028"}'
      const headers = { 'x-github-event': 'issues', 'x-hub-signature-256': await octokitSign(TEXT, body) }
      expect(await outcome(github, headers, body)).toBe('ok')
    },
    theirs: async () => {
      const bytes = Buffer.from('{"title":"👍"}') as unknown as string
      await expect(octokitVerify(TEXT, bytes, 'sha256=00')).rejects.toThrow(TypeError)
    },
  },
  {
    name: '@octokit/webhooks-methods 6.0.0 for the web, Convoy: junk about the prefix and between the digits',
    ours: async () => {
      const hex = hmac(['{}'], 'hex')
      for (const signature of [
        hex,
        `x sha256=${hex}`,
        `sha256=${hex.slice(0, 2)}zz${hex.slice(2)}`,
        `sha256=${hex}zz`,
      ])
        expect(await outcome(github, { 'x-hub-signature-256': signature }, '{}')).toMatch(
          /^(malformed_header|bad_encoding)$/,
        )
    },
  },
  {
    name: '@workos-inc/node 8.13.0 and ElevenLabs: times in the future, and NaN, pass',
    ours: async () => {
      const ahead = String(NOW_MS + 86_400_000)
      const workos = of.workos({ secret: TEXT })
      expect(
        await outcome(workos, { 'workos-signature': workosHeader(ahead) }, '{"id":"a","event":"b"}'),
      ).toBe('future')
      expect(
        await outcome(workos, { 'workos-signature': workosHeader('NaN') }, '{"id":"a","event":"b"}'),
      ).toBe('malformed_timestamp')
      const elevenlabs = of.elevenlabs({ secret: TEXT })
      for (const [time, reason] of [
        [future, 'future'],
        ['NaN', 'malformed_timestamp'],
      ] as const) {
        const header = `t=${time},v0=${hmac([`${time}.`, '{}'], 'hex')}`
        expect(await outcome(elevenlabs, { 'elevenlabs-signature': header }, '{}')).toBe(reason)
      }
    },
    theirs: async () => {
      const payload = { id: 'a', event: 'b' }
      for (const time of [String(NOW_MS + 86_400_000), 'NaN']) {
        const sigHeader = workosHeader(time)
        expect(await workosApi.webhooks.verifyHeader({ payload, sigHeader, secret: TEXT })).toBe(true)
      }
    },
  },
  {
    name: '@workos-inc/node 8.13.0: the names `t` and `v1` are not looked at',
    ours: async () => {
      const header = workosHeader(String(NOW_MS), ['x', 'y'])
      expect(
        await outcome(of.workos({ secret: TEXT }), { 'workos-signature': header }, '{"id":"a","event":"b"}'),
      ).toBe('malformed_header')
    },
    theirs: async () => {
      const sigHeader = workosHeader(String(NOW_MS), ['x', 'y'])
      const payload = { id: 'a', event: 'b' }
      expect(await workosApi.webhooks.verifyHeader({ payload, sigHeader, secret: TEXT })).toBe(true)
    },
  },
  {
    name: 'workos/workos-node#1578: what is signed are the bytes, not the object that they parse to',
    ours: async () => {
      const body = '{ "id": "a",\n "event": "b" }'
      const header = `t=${NOW_MS}, v1=${hmac([`${NOW_MS}.`, body], 'hex')}`
      expect(await outcome(of.workos({ secret: TEXT }), { 'workos-signature': header }, body)).toBe('ok')
      expect(
        await outcome(of.workos({ secret: TEXT }), { 'workos-signature': header }, '{"id":"a","event":"b"}'),
      ).toBe('signature_mismatch')
    },
    theirs: async () => {
      const body = '{ "id": "a",\n "event": "b" }'
      const sigHeader = `t=${NOW_MS}, v1=${hmac([`${NOW_MS}.`, body], 'hex')}`
      const payload = JSON.parse(body) as Record<string, unknown>
      await expect(workosApi.webhooks.verifyHeader({ payload, sigHeader, secret: TEXT })).rejects.toThrow()
    },
  },
  {
    name: '@paddle/paddle-node-sdk 3.10.0: of two `h1` the last, and only the past',
    ours: async () => {
      const paddle = of.paddle({ secret: TEXT })
      const good = `h1=${hmac([`${NOW}:`, '{"event_id":"a","event_type":"b"}'], 'hex')}`
      const header = paddleHeader(`${good};h1=${'0'.repeat(64)}`)
      expect(await outcome(paddle, { 'paddle-signature': header }, '{"event_id":"a","event_type":"b"}')).toBe(
        'ok',
      )
      const ahead = paddleHeader(`h1=${hmac([`${future}:`, '{}'], 'hex')}`, future)
      expect(await outcome(paddle, { 'paddle-signature': ahead }, '{}')).toBe('future')
    },
    theirs: async () => {
      const good = `h1=${hmac([`${NOW}:`, '{}'], 'hex')}`
      const both = paddleHeader(`${good};h1=${'0'.repeat(64)}`)
      expect(await paddleApi.webhooks.isSignatureValid('{}', TEXT, both)).toBe(false)
      const ahead = paddleHeader(`h1=${hmac([`${future}:`, '{}'], 'hex')}`, future)
      expect(await paddleApi.webhooks.isSignatureValid('{}', TEXT, ahead)).toBe(true)
    },
  },
  {
    name: '@zoom/rivet 0.4: JSON is written anew, and no time is looked at',
    ours: async () => {
      const zoom = of.zoom({ secret: TEXT })
      const body = '{ "event" : "meeting.started", "payload": {} }'
      const headers = (time: string): Headers => ({
        'x-zm-request-timestamp': time,
        'x-zm-signature': `v0=${hmac([`v0:${time}:`, body], 'hex')}`,
      })
      expect(await outcome(zoom, headers(NOW), body)).toBe('ok')
      expect(await outcome(zoom, headers('1700000000'), body)).toBe('stale')
    },
  },
  {
    name: '@hubspot/api-client 13.5: stale throws where a wrong signature is false',
    ours: async () => {
      const hubspot = of.hubspot({ secret: TEXT })
      const time = String(NOW_MS - 3_600_000)
      const url = 'https://a.example/'
      const signature = hmac([`POST${url}`, '{}', time], 'base64')
      const headers = { 'x-hubspot-request-timestamp': time, 'x-hubspot-signature-v3': signature }
      expect(await outcome(hubspot, headers, '{}', url)).toBe('stale')
      expect(await outcome(hubspot, headers, '{ }', url)).toBe('signature_mismatch')
    },
  },
  {
    name: 'linear/linear#1268: a time in a header that is not signed is no time; trigger.dev: Linear has none at all',
    ours: async () => {
      const body = JSON.stringify({ type: 'Issue', action: 'create', webhookTimestamp: NOW_MS - 86_400_000 })
      const headers = { 'linear-signature': hmac([body], 'hex'), 'linear-timestamp': String(NOW_MS) }
      expect(await outcome(of.linear({ secret: TEXT }), headers, body)).toBe('stale')
    },
  },
  {
    name: 'sendgrid/sendgrid-nodejs#1278, #1321, #1411 and razorpay/razorpay-node#462, #479: a body that was parsed and written again is another',
    ours: async () => {
      const body = '{"a":1.0, "b":"\\u00e9"}\r\n'
      const headers = { 'x-razorpay-signature': hmac([body], 'hex') }
      const razorpay = of.razorpay({ secret: TEXT })
      expect(await outcome(razorpay, headers, body)).toBe('ok')
      expect(await outcome(razorpay, headers, JSON.stringify(JSON.parse(body)))).toBe('signature_mismatch')
    },
  },
  {
    name: '@hookflo/tern 4.1.0: `$$` and `$&` of a body are interpreted',
    ours: async () => {
      const body = '{"price":"$$5 $& $\'"}'
      expect(await outcome(standard, standardHeaders(body), body)).toBe('ok')
      expect(
        await outcome(
          standard,
          standardHeaders(body),
          body.replace('$$', () => '$'),
        ),
      ).toBe('signature_mismatch')
    },
    theirs: async () => {
      const body = '{"price":"$$5"}'
      const made = (sent: string): Request =>
        new Request('https://a.example', {
          method: 'POST',
          headers: standardHeaders(body, { family: 'svix' }),
          body: sent,
        })
      expect((await tern.verify(made(body), { platform: 'clerk', secret: WHSEC })).isValid).toBe(false)
      const other = '{"price":"$5"}'
      const headers = standardHeaders(other, { family: 'svix' })
      const forged = new Request('https://a.example', { method: 'POST', headers, body })
      expect((await tern.verify(forged, { platform: 'clerk', secret: WHSEC })).isValid).toBe(true)
    },
  },
  {
    name: '@hookflo/tern 4.1.0: a secret that is no base64 is the empty key',
    ours: () => {
      for (const secret of ['whsec_', 'whsec_!!!!'])
        expect(() => of.clerk({ secret })).toThrow('signing secret')
    },
    theirs: async () => {
      const headers = standardHeaders('{}', { family: 'svix', key: '' })
      const forged = new Request('https://a.example', { method: 'POST', headers, body: '{}' })
      expect((await tern.verify(forged, { platform: 'clerk', secret: 'whsec_!!!!' })).isValid).toBe(true)
    },
  },
  {
    name: "@hookflo/tern 4.1.0: Vercel's SHA-1 is taken for SHA-256, and Sanity's base64 for a padded one",
    ours: async () => {
      const sha1 = createHmac('sha1', TEXT).update('{"id":"a","type":"b"}').digest('hex')
      expect(
        await outcome(of.vercel({ secret: TEXT }), { 'x-vercel-signature': sha1 }, '{"id":"a","type":"b"}'),
      ).toBe('ok')
      const signature = createHmac('sha256', TEXT).update(`${NOW_MS}.{}`).digest('base64url')
      const headers = {
        'sanity-webhook-signature': `t=${NOW_MS},v1=${signature}`,
        'sanity-operation': 'create',
      }
      expect(await outcome(of.sanity({ secret: TEXT }), headers, '{}')).toBe('ok')
    },
    theirs: async () => {
      const sha1 = createHmac('sha1', TEXT).update('{}').digest('hex')
      const request = new Request('https://a.example', {
        method: 'POST',
        headers: { 'x-vercel-signature': sha1 },
        body: '{}',
      })
      expect((await tern.verify(request, { platform: 'vercel', secret: TEXT })).isValid).toBe(false)
    },
  },
  {
    name: '@hookflo/tern 4.1.0: the sender chooses the scheme by its headers',
    ours: async () => {
      expect(await outcome(stripe, { 'x-hub-signature-256': `sha256=${hmac(['{}'], 'hex')}` }, '{}')).toBe(
        'missing_header',
      )
    },
  },
  {
    name: 'trigger.dev: RFC 3339 times are refused, lists without a separator are one, and a tolerance may be left out',
    ours: async () => {
      const body = '{"id":"a","type":"b"}'
      const time = new Date(NOW_MS).toISOString()
      const headers = (at: string): Headers => ({
        'x-zendesk-webhook-signature-timestamp': at,
        'x-zendesk-webhook-signature': hmac([at, body], 'base64'),
      })
      const zendesk = of.zendesk({ secret: TEXT })
      expect(await outcome(zendesk, headers(time), body)).toBe('ok')
      expect(await outcome(zendesk, headers('2026-03-01T22:20:01Z'), body)).toBe('stale')
      const signatures = `v1=${'0'.repeat(64)},v1=${hmac([body], 'hex')}`
      expect(
        await outcome(of.pagerduty({ secret: TEXT }), { 'x-pagerduty-signature': signatures }, body),
      ).toBe('ok')
    },
  },
  {
    name: 'trigger.dev: a time that is not signed, or is written as 1e9',
    ours: async () => {
      const scheme = {
        algorithm: 'hmac-sha256',
        key: { as: 'utf8' },
        signature: { in: [{ header: 'x-signature' }], encoding: 'hex' },
        timestamp: { in: { header: 'x-timestamp' }, unit: 'seconds' },
      } as const
      const envelope = { id: [] }
      expect(() => of.custom({ secret: TEXT, scheme: { ...scheme, content: ['body'] }, envelope })).toThrow(
        'timestamp',
      )
      const signed = of.custom({
        secret: TEXT,
        scheme: { ...scheme, content: ['timestamp', 'body'] },
        envelope,
      })
      const headers = { 'x-timestamp': '1.772490001e9', 'x-signature': hmac(['1.772490001e9', '{}'], 'hex') }
      expect(await outcome(signed, headers, '{}')).toBe('malformed_timestamp')
    },
  },
  {
    name: 'trigger.dev: one header for a signature: neither the second of Box nor those of DocuSign',
    ours: async () => {
      const time = new Date(NOW_MS).toISOString()
      const body = '{"id":"a","trigger":"FILE.MOVED"}'
      const boxHeaders = {
        'box-delivery-timestamp': time,
        'box-signature-version': '1',
        'box-signature-algorithm': 'HmacSHA256',
        'box-signature-primary': hmac([body, time], 'base64', 'a key that is not ours'),
        'box-signature-secondary': hmac([body, time], 'base64'),
      }
      expect(await outcome(of.box({ secret: TEXT }), boxHeaders, body)).toBe('ok')
      const docusignHeaders = {
        'x-docusign-signature-1': hmac(['{}'], 'base64', 'a key that is not ours'),
        'x-docusign-signature-7': hmac(['{}'], 'base64'),
      }
      expect(await outcome(of.docusign({ secret: TEXT }), docusignHeaders, '{}')).toBe('ok')
    },
  },
  {
    name: 'trigger.dev: a header that is signed and not there is empty text',
    ours: async () => {
      const time = new Date(NOW_MS).toISOString()
      const headers = {
        'twitch-eventsub-message-timestamp': time,
        'twitch-eventsub-message-type': 'notification',
        'twitch-eventsub-message-signature': `sha256=${hmac([time, '{}'], 'hex')}`,
      }
      expect(await outcome(of.twitch({ secret: TEXT }), headers, '{}')).toBe('missing_header')
    },
  },
  {
    name: 'trigger.dev and Convoy: Basic without its user, and passwords with a colon',
    ours: async () => {
      const basic = of.basicAuth({ secret: 'user:pass:word of it' })
      const headers = (text: string): Headers => ({
        authorization: `Basic ${Buffer.from(text).toString('base64')}`,
      })
      const body = '{"id":"a"}'
      expect(await outcome(basic, headers('user:pass:word of it'), body)).toBe('ok')
      for (const text of ['other:pass:word of it', ':pass:word of it', 'pass:word of it', 'user:pass'])
        expect(await outcome(basic, headers(text), body)).toBe('secret_mismatch')
    },
  },
  {
    name: 'Convoy: a body that does not verify is tried again in another form',
    ours: async () => {
      const headers = { 'x-hub-signature-256': `sha256=${hmac(['{"a":"1"}'], 'hex')}` }
      expect(
        await outcome(github, { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, 'a=1'),
      ).toBe('signature_mismatch')
    },
  },
  {
    name: 'better-webhook and adapters of @hookflo/tern: a parsed body is written anew and verified',
    ours: async () => {
      const request = { headers: stripeHeaders('{}'), body: {} as unknown as Uint8Array }
      expect(await verify(request, stripe)).toEqual({ ok: false, reason: 'body_already_parsed' })
    },
  },
  {
    name: 'Hookaido GHSA-cpfq-rj4r-hh5c: no refusal tells a part of the expected signature',
    ours: async () => {
      const headers = { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }
      const verdict = await verify({ headers, body: Buffer.from('{}') }, github)
      expect(verdict).toEqual({ ok: false, reason: 'signature_mismatch' })
    },
  },
  {
    name: 'qhook: Twilio’s signature is taken over the body',
    ours: async () => {
      const body = 'a=1'
      const header = createHmac('sha1', TEXT).update(body).digest('base64')
      const verdict = await outcome(
        of.twilio({ secret: TEXT }),
        { 'x-twilio-signature': header },
        body,
        'https://a.example/',
      )
      expect(verdict).toBe('signature_mismatch')
    },
  },
]

describe.each([
  ['Standard Webhooks and its family', standardDefects],
  ['Stripe’s form', stripeDefects],
  ['others', otherDefects],
])('%s', (_, defects) => {
  test.each(defects)('$name', async ({ ours, theirs }) => {
    await ours()
    await theirs?.()
  })
})

/** What other tests pin already: of the stores, the worker and the answers. */
const ELSEWHERE: readonly (readonly [defect: string, file: string, title: string])[] = [
  [
    'Square, HubSpot, Paddle, Sanity, ElevenLabs, Razorpay, Rivet, replicate, Convoy; razorpay-node#462, #479, cashfree-pg-sdk-nodejs#124, stripe-rs#165: compared by an operator',
    'test/constant-time.test.ts',
    'in the whole source, but for what is listed',
  ],
  [
    'Convoy: a body over the limit is cut off silently where it comes in chunks',
    'packages/postern/src/receive/mount.test.ts',
    'is answered 413 by its bytes',
  ],
  [
    'Convoy: a failure of its own is answered 400',
    'test/faults/store-failure.test.ts',
    'a commit that never ends is answered 503 within 2.5 s, and nobody else waits for it',
  ],
  [
    'trigger.dev: a crash between its gate and its row loses the event, whose retry is a duplicate',
    'test/faults/kill.test.ts',
    'an event killed between its commit and its answer is there after the restart; its retry is a duplicate, and it is handled',
  ],
  [
    'trigger.dev: no handshake is answered with an HMAC, as Zoom and X want it',
    'packages/postern/src/receive/handshake.test.ts',
    'is answered with an HMAC of its token, by the key that signed it: Zoom',
  ],
  [
    'trigger.dev: an id that is not signed is the dedupe key',
    'test/octokit.test.ts',
    'sent again under another id are duplicates, and are not handled again',
  ],
  [
    'Hookdeck: copies at once within a window of its own',
    'test/faults/duplicates.test.ts',
    '64 copies of one event at once over two processes are one event, 63 duplicates and one effect',
  ],
  [
    'better-webhook: the retry of a request whose handler failed is refused as a replay',
    'test/http/handled.test.ts',
    "a handler that throws is a 503, and the sender's retry runs it again",
  ],
  [
    'Hookaido: a nonce is kept although its event was not',
    'test/faults/store-failure.test.ts',
    'a full disk is 503; once there is space again it is 200 without a restart, and nothing acknowledged is missing',
  ],
  [
    'any scheme with a time: a stale retry is lost',
    'test/faults/store-failure.test.ts',
    'a stale request is 503 while the log of refusals fails, and 401 and kept once it works',
  ],
]

test.each(ELSEWHERE)('pinned elsewhere: %s', (_, file, title) => {
  expect(readFileSync(file, 'utf8')).toContain(title)
})

test('requests that are signed here verify here, so that refusals above are for what was changed', async () => {
  const body = '{"id":"a","type":"b"}'
  const headers = sign(stripe, { body, nowMs: NOW_MS })
  expect(await outcome(stripe, headers, body)).toBe('ok')
  expect(await outcome(standard, standardHeaders(body), body)).toBe('ok')
})
