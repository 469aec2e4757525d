/**
 * Providers' own libraries against ours, in both directions where a library can sign: its verifier accepts every sample
 * that is signed here, and what it signs is verified here. `docs/providers.md` lists them with their versions. Those of
 * Standard Webhooks, and those that sign the URL, are in files of their own.
 */
import { WebhooksClient as ElevenlabsWebhooks } from '@elevenlabs/elevenlabs-js/wrapper/webhooks.js'
import { LinearWebhookClient } from '@linear/sdk/webhooks'
import { sign as octokitSign, verify as octokitVerify } from '@octokit/webhooks-methods'
import Mux from '@mux/mux-node'
import { signWebhookPayload, verifyWebhookSignature } from '@notionhq/client'
import { Paddle } from '@paddle/paddle-node-sdk'
import { encodeSignatureHeader, isValidSignature } from '@sanity/webhook'
import { EventWebhook } from '@sendgrid/eventwebhook'
import { ApiVersion, LogSeverity, shopifyApi } from '@shopify/shopify-api'
import { getHmac as shopifyHmac } from '@shopify/shopify-api/test-helpers'
import { isValidSlackRequest } from '@slack/bolt/dist/receivers/verify-request.js'
import { WorkOS } from '@workos-inc/node'
import { computeWebhookSignature } from 'box-node-sdk/internal/utils'
import { WebhooksManager as BoxWebhooks } from 'box-node-sdk/managers/webhooks'
import { verifyKey } from 'discord-interactions'
import * as catalogue from 'postern/providers'
import { validateWebhookSignature } from 'razorpay/dist/utils/razorpay-utils.js'
import { Stripe } from 'stripe'
import { Client as WebflowWebhooks } from 'webflow-api/dist/wrapper/WebhooksClient.js'
import { keyPair } from './support/key-pairs.ts'
import { NOW_MS, TEXT, tryLibraries, type Library } from './support/provider-libraries.ts'

// Shopify's library has to be told by what it runs.
await import('@shopify/shopify-api/adapters/node')

const stripe = new Stripe('sk_test_of_no_account')
const workos = new WorkOS('sk_test_of_no_account')
const mux = new Mux({ tokenId: 'none', tokenSecret: 'none', webhookSecret: TEXT })
const paddle = new Paddle('of no account')
const linear = new LinearWebhookClient(TEXT)
const elevenlabs = new ElevenlabsWebhooks()
const webflow = new WebflowWebhooks({ accessToken: 'of no account' })
const shopify = shopifyApi({
  apiKey: 'of no app',
  apiSecretKey: TEXT,
  hostName: 'app.example',
  apiVersion: ApiVersion.July26,
  isEmbeddedApp: false,
  logger: { level: LogSeverity.Error },
})

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
  {
    library: '@elevenlabs/elevenlabs-js',
    provider: 'elevenlabs',
    source: catalogue.elevenlabs({ secret: TEXT }),
    accepts: (body, headers) => elevenlabs.constructEvent(body, headers['elevenlabs-signature'] ?? '', TEXT),
  },
  {
    library: '@slack/bolt',
    provider: 'slack',
    source: catalogue.slack({ secret: TEXT }),
    accepts: (body, headers) =>
      isValidSlackRequest({
        signingSecret: TEXT,
        body,
        headers: {
          'x-slack-signature': headers['x-slack-signature'] ?? '',
          'x-slack-request-timestamp': Number(headers['x-slack-request-timestamp']),
        },
      }),
  },
  {
    library: 'webflow-api',
    provider: 'webflow',
    source: catalogue.webflow({ secret: TEXT }),
    accepts: (body, headers) => webflow.verifySignature({ headers, body, secret: TEXT }),
  },
  {
    library: '@shopify/shopify-api',
    provider: 'shopify',
    source: catalogue.shopify({ secret: TEXT }),
    accepts: async (body, headers) => {
      const rawRequest = { method: 'POST', url: '/', headers }
      return (await shopify.webhooks.validate({ rawBody: body, rawRequest })).valid
    },
    signs: (body) => ({ 'x-shopify-hmac-sha256': shopifyHmac(body, TEXT) }),
  },
  {
    library: 'box-node-sdk',
    provider: 'box',
    source: catalogue.box({ secret: TEXT }),
    accepts: (body, headers) => BoxWebhooks.validateMessage(body, headers, TEXT),
    signs: async (body) => {
      const headers = {
        'box-signature-version': '1',
        'box-signature-algorithm': 'HmacSHA256',
        'box-delivery-timestamp': new Date(NOW_MS).toISOString(),
      }
      const signature = await computeWebhookSignature(body, headers, TEXT)
      return { ...headers, 'box-signature-primary': signature ?? '' }
    },
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

const sendgridKey = keyPair('ecdsa-p256-sha256', 1)
const sendgridBase64 = sendgridKey.publicKey.toString('base64')
const eventWebhook = new EventWebhook()

const sendgrid: Library = {
  library: '@sendgrid/eventwebhook',
  provider: 'sendgrid',
  source: catalogue.sendgrid({ secret: sendgridBase64 }),
  privateKey: sendgridKey.privateKey,
  accepts: (body, headers) =>
    eventWebhook.verifySignature(
      eventWebhook.convertPublicKeyToECDSA(sendgridBase64),
      body,
      headers['x-twilio-email-event-webhook-signature'] ?? '',
      headers['x-twilio-email-event-webhook-timestamp'] ?? '',
    ),
}

tryLibraries([...libraries, discord, sendgrid])

function timeOf(body: string): number {
  return (JSON.parse(body) as { readonly webhookTimestamp: number }).webhookTimestamp
}
