import {
  answeringHandshakes,
  bearerTokens,
  defineFetchingSource,
  type Jose,
  type KeyFetch,
  type Provider,
  type Source,
  type SourceOptions,
  type TokenScheme,
} from '../core/index.ts'
import { FUNCTION, SECRET, TEXT } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'
import { cloudEventsHandshake } from './cloudevents-handshake.ts'
import { HOUR_MS } from './duration.ts'
import { eventgridEnvelopes, eventgridHandshakes } from './eventgrid-shapes.ts'

/** Stands where the tenant's id has to. */
const NO_TENANT = '00000000-0000-0000-0000-000000000000'

/** Tokens of a tenant, in their first version and in their second. */
function schemeOf(tenantId: string): TokenScheme {
  return {
    name: 'entra-token',
    algorithm: 'jwt',
    token: { header: 'authorization', authScheme: 'Bearer' },
    keysUrl: `https://login.microsoftonline.com/${tenantId}/discovery/v2.0/keys`,
    issuers: [`https://sts.windows.net/${tenantId}/`, `https://login.microsoftonline.com/${tenantId}/v2.0`],
    // Any application of the tenant is given a token for any other: the role is what says that this one may send.
    claims: { roles: 'AzureEventGridSecureWebhookSubscriber' },
    // Those of managed identities are good for a day.
    maxAgeSeconds: 86_400,
    timestamp: { toleranceSeconds: 300 },
  }
}

const verifying: Provider = {
  name: 'eventgrid-entra',
  title: 'Azure Event Grid, by Entra ID',
  schemes: [schemeOf(NO_TENANT)],
  envelopes: eventgridEnvelopes,
  handshakes: eventgridHandshakes,
  openHandshakes: [cloudEventsHandshake('eventgrid-entra-abuse-protection')],
  retryHorizonMs: 24 * HOUR_MS,
  senderTimeoutMs: 30_000,
}

/**
 * Azure Event Grid's push delivery to webhooks that Microsoft Entra ID protects (learn.microsoft.com/azure/event-grid/secure-webhook-delivery):
 * a token of the tenant, for the application that stands for the webhook. The body is not signed.
 *
 * Event Grid waits 30 s, and tries again for 24 hours, unless it is set otherwise
 * (learn.microsoft.com/azure/event-grid/delivery-and-retry).
 */
export const eventgridEntraProvider: Provider = /* @__PURE__ */ described()

/** Apart from what verifies, so that a bundler can leave it out: an app has no use for it. */
function described(): Provider {
  return {
    ...verifying,
    documentation: 'https://learn.microsoft.com/en-us/azure/event-grid/secure-webhook-delivery',
    evidence: {
      level: 'documented',
      reason:
        "Microsoft's own text; tokens are read by the package jose, and no token of Event Grid's is public",
    },
    undocumented: [
      'whether an event that is delivered again comes in the same batch',
      'whether the OPTIONS request of the CloudEvents schema has a token; it is answered without one where `handshake` says so',
    ],
  }
}

/** As of every source, with the tenant and the application that a token has to be for in place of a secret. */
export interface EventgridEntraOptions extends Omit<SourceOptions, 'secret'> {
  /** The package `jose`: `import * as jose from 'jose'`. */
  readonly jose: Jose
  /** The tenant's id, a GUID. */
  readonly tenantId: string
  /** The application that stands for the webhook: its id or its URI, as the subscription has it, or both. Without any, 503. */
  readonly audience?: SourceOptions['secret']
  /** Answers the OPTIONS request of the CloudEvents schema; `origins` says whose, such as `eventgrid.azure.net`. */
  readonly handshake?: boolean | { readonly origins?: readonly string[] }
  /** Fetches the tenant's keys. Default: the global `fetch`. */
  readonly fetch?: KeyFetch
}

/** A source for Azure Event Grid whose subscription uses Microsoft Entra ID. */
export function eventgridEntra(given: EventgridEntraOptions): Source {
  const { jose, tenantId, audience, handshake, fetch, ...options } = optionsOf(verifying, given, {
    tenantId: TEXT,
    audience: SECRET,
    fetch: FUNCTION,
  })
  const provider = { ...verifying, schemes: [schemeOf(tenantId)] }
  const source = defineFetchingSource([bearerTokens(jose, { fetch })], provider, {
    ...options,
    secret: audience,
  })
  return answeringHandshakes(source, handshake)
}
