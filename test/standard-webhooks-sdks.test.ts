/** Standard Webhooks' and Svix' own libraries, and those of providers that send in their form, against ours. */
import { verifyWebhook as clerkVerify } from '@clerk/backend/webhooks'
import { validateEvent, WebhookVerificationError } from '@polar-sh/sdk/webhooks'
import OpenAI from 'openai'
import type { Source } from 'postern'
import * as catalogue from 'postern/providers'
import { validateWebhook } from 'replicate'
import { Resend } from 'resend'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import {
  NOW_MS,
  TEXT,
  tryLibraries,
  WHSEC,
  type Headers,
  type Library,
} from './support/provider-libraries.ts'

const openai = new OpenAI({ apiKey: 'of no account', webhookSecret: WHSEC })
const resend = new Resend('re_of_no_account')

tryLibraries([
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
    library: 'openai',
    provider: 'openai',
    source: catalogue.openai({ secret: WHSEC }),
    accepts: (body, headers) => openai.webhooks.unwrap(body, headers),
  },
  {
    library: 'resend',
    provider: 'resend',
    source: catalogue.resend({ secret: WHSEC }),
    accepts: (body, headers) =>
      resend.webhooks.verify({
        payload: body,
        headers: {
          id: headers['svix-id'] ?? '',
          timestamp: headers['svix-timestamp'] ?? '',
          signature: headers['svix-signature'] ?? '',
        },
        webhookSecret: WHSEC,
      }),
  },
  {
    library: '@clerk/backend',
    provider: 'clerk',
    source: catalogue.clerk({ secret: WHSEC }),
    accepts: (body, headers) =>
      clerkVerify(new Request('https://app.example/', { method: 'POST', headers, body }), {
        signingSecret: WHSEC,
      }),
  },
  {
    library: '@polar-sh/sdk',
    provider: 'polar',
    source: catalogue.polar({ secret: TEXT }),
    accepts: polarAccepts,
  },
])

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

/** Verified first, and then checked by a schema of some hundred members, which our samples do not have. */
function polarAccepts(body: string, headers: Headers): boolean {
  try {
    validateEvent(body, headers, TEXT)
    return true
  } catch (error) {
    return !(error instanceof WebhookVerificationError)
  }
}
