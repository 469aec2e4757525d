import {
  answeringHandshakes,
  defineSourceBy,
  headerSecrets,
  querySecrets,
  type Provider,
  type Source,
  type SourceOptions,
  type StaticSecretScheme,
} from '../core/index.ts'
import { TEXT } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'
import { cloudEventsHandshake } from './cloudevents-handshake.ts'
import { HOUR_MS } from './duration.ts'
import { eventgridEnvelopes, eventgridHandshakes } from './eventgrid-shapes.ts'
import { headerName } from './header-name.ts'

/**
 * Azure Event Grid's push delivery to webhooks (learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema,
 * and -cloud-events-schema): a secret of your own in the URL's query, or in a header, and nothing signed.
 *
 * In Event Grid's own schema a subscription is validated by an event, which has the secret and is answered. In the
 * CloudEvents schema it is by an OPTIONS request: that is answered with `handshake: true`, and has to have the secret too.
 *
 * Event Grid waits 30 s, and tries again for 24 hours, unless it is set otherwise
 * (learn.microsoft.com/azure/event-grid/delivery-and-retry).
 */
export const eventgridProvider: Provider = {
  name: 'eventgrid',
  title: 'Azure Event Grid',
  documentation: 'https://learn.microsoft.com/en-us/azure/event-grid/webhook-event-delivery',
  evidence: { level: 'documented', reason: 'a plain comparison, as its documentation has it' },
  schemes: [{ name: 'eventgrid-query', algorithm: 'static-secret', secret: { query: 'code' } }],
  envelopes: eventgridEnvelopes,
  handshakes: eventgridHandshakes,
  openHandshakes: [cloudEventsHandshake('eventgrid-abuse-protection', true)],
  retryHorizonMs: 24 * HOUR_MS,
  senderTimeoutMs: 30_000,
  undocumented: ['whether an event that is delivered again comes in the same batch'],
}

/**
 * As of every source, and where the secret stands, and whether the OPTIONS request of the CloudEvents schema is answered
 * (default: it is not).
 */
export interface EventgridOptions extends SourceOptions {
  /** The query's parameter that has the secret. Default `code`. */
  readonly parameter?: string
  /** The header that has the secret, instead of a parameter. */
  readonly header?: string
  /** Answers the OPTIONS request of the CloudEvents schema; `origins` says whose, such as `eventgrid.azure.net`. */
  readonly handshake?: boolean | { readonly origins?: readonly string[] }
}

/** A source for Azure Event Grid: the secret is the one in the webhook's URL. */
export function eventgrid(given: EventgridOptions = {}): Source {
  const { parameter, header, handshake, ...options } = optionsOf(eventgridProvider, given, {
    parameter: TEXT,
  })
  const provider =
    parameter === undefined && header === undefined ? eventgridProvider : withPlace(parameter, header)
  return answeringHandshakes(defineSourceBy([querySecrets, headerSecrets], provider, options), handshake)
}

function withPlace(parameter = 'code', header: string | undefined): Provider {
  const secret =
    header === undefined ? { query: parameter } : { header: headerName('eventgrid', 'header', header) }
  const name = header === undefined ? 'eventgrid-query' : 'eventgrid-header'
  const scheme: StaticSecretScheme = { name, algorithm: 'static-secret', secret }
  return { ...eventgridProvider, schemes: [scheme] }
}
