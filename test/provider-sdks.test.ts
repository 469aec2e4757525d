/**
 * Providers' own libraries against ours, in both directions where a library can sign: its verifier accepts every sample
 * that is signed here, and what it signs is verified here. `docs/providers.md` lists them with their versions.
 */
import { LinearWebhookClient } from '@linear/sdk/webhooks'
import { sign as octokitSign, verify as octokitVerify } from '@octokit/webhooks-methods'
import Mux from '@mux/mux-node'
import { signWebhookPayload, verifyWebhookSignature } from '@notionhq/client'
import { Paddle } from '@paddle/paddle-node-sdk'
import { encodeSignatureHeader, isValidSignature } from '@sanity/webhook'
import { WorkOS } from '@workos-inc/node'
import { verifyKey } from 'discord-interactions'
import { signRequest, verify, type Source } from 'postern'
import * as catalogue from 'postern/providers'
import { samples } from 'postern/samples'
import { validateWebhookSignature } from 'razorpay/dist/utils/razorpay-utils.js'
import { validateWebhook } from 'replicate'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Stripe } from 'stripe'
import { Webhook as SvixWebhook } from 'svix'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { keyPair } from './support/key-pairs.ts'

const NOW_MS = Date.UTC(2026, 2, 2, 22, 20, 1)
const ID = '0123456789abcdef0123456789abcdef'
const TEXT = 'a signing secret, long enough'
const WHSEC = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

type Headers = Readonly<Record<string, string>>

interface Library {
  readonly library: string
  readonly provider: string
  readonly source: Source
  /** To sign with, where the source has the public key. */
  readonly privateKey?: string
  /** Whether it accepts a request; a throw is a refusal. */
  readonly accepts: (body: string, headers: Headers) => unknown
  /** The headers of a request that it signed itself, where it can. */
  readonly signs?: (body: string) => Headers | Promise<Headers>
}

const stripe = new Stripe('sk_test_of_no_account')
const workos = new WorkOS('sk_test_of_no_account')
const mux = new Mux({ tokenId: 'none', tokenSecret: 'none', webhookSecret: TEXT })
const paddle = new Paddle('of no account')
const linear = new LinearWebhookClient(TEXT)

/** A library in the form of Standard Webhooks. */
function standard(
  provider: string,
  source: Source,
  family: 'webhook' | 'svix',
  library: string,
  webhook: Pick<StandardWebhook, 'sign' | 'verify'>,
): Library {
  return {
    library,
    provider,
    source,
    accepts: (body, headers) => webhook.verify(body, { ...headers }),
    signs: (body) => ({
      [`${family}-id`]: 'msg_1',
      [`${family}-timestamp`]: String(NOW_MS / 1000),
      [`${family}-signature`]: webhook.sign('msg_1', new Date(NOW_MS), body),
    }),
  }
}

const libraries: readonly Library[] = [
  {
    library: '@octokit/webhooks-methods',
    provider: 'github',
    source: catalogue.github({ secret: TEXT }),
    accepts: (body, headers) => octokitVerify(TEXT, body, headers['x-hub-signature-256'] ?? ''),
    signs: async (body) => ({ 'x-hub-signature-256': await octokitSign(TEXT, body) }),
  },
  {
    library: 'stripe',
    provider: 'stripe',
    source: catalogue.stripe({ secret: TEXT }),
    accepts: (body, headers) => stripe.webhooks.constructEvent(body, headers['stripe-signature'] ?? '', TEXT),
    signs: (body) => ({
      'stripe-signature': stripe.webhooks.generateTestHeaderString({ payload: body, secret: TEXT }),
    }),
  },
  ...(
    [
      ['standardwebhooks', catalogue.standardWebhooks],
      ['gitlab', catalogue.gitlab],
      ['openai', catalogue.openai],
      ['replicate', catalogue.replicate],
    ] as const
  ).map(([provider, make]) =>
    standard(provider, make({ secret: WHSEC }), 'webhook', 'standardwebhooks', new StandardWebhook(WHSEC)),
  ),
  standard(
    'polar',
    catalogue.polar({ secret: TEXT }),
    'webhook',
    'standardwebhooks',
    new StandardWebhook(Buffer.from(TEXT).toString('base64')),
  ),
  ...(
    [
      ['svix', catalogue.svix],
      ['clerk', catalogue.clerk],
      ['resend', catalogue.resend],
    ] as const
  ).map(([provider, make]) =>
    standard(provider, make({ secret: WHSEC }), 'svix', 'svix', new SvixWebhook(WHSEC)),
  ),
  {
    library: 'replicate',
    provider: 'replicate',
    source: catalogue.replicate({ secret: WHSEC }),
    accepts: (body, headers) =>
      validateWebhook({
        id: headers['webhook-id'] ?? '',
        timestamp: headers['webhook-timestamp'] ?? '',
        signature: headers['webhook-signature'] ?? '',
        body,
        secret: WHSEC,
      }),
  },
  {
    library: '@sanity/webhook',
    provider: 'sanity',
    source: catalogue.sanity({ secret: TEXT }),
    accepts: (body, headers) => isValidSignature(body, headers['sanity-webhook-signature'] ?? '', TEXT),
    signs: async (body) => ({
      'sanity-webhook-signature': await encodeSignatureHeader(body, NOW_MS, TEXT),
      'sanity-operation': 'create',
    }),
  },
  {
    library: '@paddle/paddle-node-sdk',
    provider: 'paddle',
    source: catalogue.paddle({ secret: TEXT }),
    accepts: (body, headers) =>
      paddle.webhooks.isSignatureValid(body, TEXT, headers['paddle-signature'] ?? ''),
  },
  {
    library: '@mux/mux-node',
    provider: 'mux',
    source: catalogue.mux({ secret: TEXT }),
    accepts: (body, headers) => mux.webhooks.unwrap(body, { ...headers }),
  },
  {
    library: '@linear/sdk',
    provider: 'linear',
    source: catalogue.linear({ secret: TEXT }),
    accepts: (body, headers) =>
      linear.verify(Buffer.from(body), headers['linear-signature'] ?? '', timeOf(body)),
  },
  {
    library: '@workos-inc/node',
    provider: 'workos',
    source: catalogue.workos({ secret: TEXT }),
    accepts: (body, headers) =>
      workos.webhooks.constructEvent({
        payload: JSON.parse(body) as Record<string, unknown>,
        sigHeader: headers['workos-signature'] ?? '',
        secret: TEXT,
      }),
    signs: async (body) => {
      const signature = await workos.webhooks.computeSignature(NOW_MS, JSON.parse(body), TEXT)
      return { 'workos-signature': `t=${NOW_MS}, v1=${signature}` }
    },
  },
  {
    library: '@notionhq/client',
    provider: 'notion',
    source: catalogue.notion({ secret: TEXT }),
    accepts: (body, headers) =>
      verifyWebhookSignature({ body, signature: headers['x-notion-signature'], verificationToken: TEXT }),
    signs: async (body) => ({
      'x-notion-signature': await signWebhookPayload({ body, verificationToken: TEXT }),
    }),
  },
  {
    library: 'razorpay',
    provider: 'razorpay',
    source: catalogue.razorpay({ secret: TEXT }),
    accepts: (body, headers) =>
      validateWebhookSignature(body, headers['x-razorpay-signature'] ?? '', TEXT) as boolean,
  },
]

const discordKey = keyPair('ed25519', 1)
const discordHex = discordKey.publicKey.toString('hex')

const discord: Library = {
  library: 'discord-interactions',
  provider: 'discord',
  source: catalogue.discord({ secret: discordHex }),
  privateKey: discordKey.privateKey,
  accepts: (body, headers) =>
    verifyKey(body, headers['x-signature-ed25519'] ?? '', headers['x-signature-timestamp'] ?? '', discordHex),
}

const titled = [...libraries, discord].map((each) => ({
  ...each,
  title: `${each.library} for ${each.provider}`,
}))
const signers = titled.flatMap(({ signs, ...rest }) => (signs === undefined ? [] : [{ signs, ...rest }]))

// Libraries take the time from `Date`.
beforeAll(() => vi.useFakeTimers({ toFake: ['Date'], now: NOW_MS }))
afterAll(() => vi.useRealTimers())

describe('requests that are signed here', () => {
  test.each(titled)('are accepted, and not with another body: $title', async (each) => {
    const own = samples.get(each.provider) ?? []
    expect(own.length).toBeGreaterThan(1)
    for (const sample of own) {
      const built = sample.build({ id: ID, nowMs: NOW_MS })
      const { headers } = signRequest(each.source, {
        ...built,
        id: 'msg_1',
        nowMs: NOW_MS,
        ...(each.privateKey !== undefined && { privateKey: each.privateKey }),
      })
      expect(await accepted(each, built.body, headers)).toBe(true)
      expect(await accepted(each, built.body.replace('{', '{"forged":1,'), headers)).toBe(false)
    }
  })
})

describe('requests that the library signs', () => {
  test.each(signers)(
    'are verified, and not with another body: $title',
    async ({ source, provider, signs }) => {
      for (const sample of samples.get(provider) ?? []) {
        const { body } = sample.build({ id: ID, nowMs: NOW_MS })
        const headers = await signs(body)
        expect(await verify({ headers, body: Buffer.from(body) }, source)).toMatchObject({ ok: true })
        const forged = Buffer.from(body.replace('{', '{"forged":1,'))
        expect(await verify({ headers, body: forged }, source)).toEqual({
          ok: false,
          reason: 'signature_mismatch',
        })
      }
    },
  )
})

/** A library says no with `false` or by throwing. */
async function accepted({ accepts }: Library, body: string, headers: Headers): Promise<boolean> {
  try {
    return (await accepts(body, headers)) !== false
  } catch {
    return false
  }
}

function timeOf(body: string): number {
  return (JSON.parse(body) as { readonly webhookTimestamp: number }).webhookTimestamp
}
