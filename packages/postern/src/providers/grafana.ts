import {
  defineHmacSource,
  type Provider,
  type SignatureScheme,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { optionsOf } from '../core/source-options.ts'
import type { JsonBody } from './json-body.ts'
import { headerName } from './header-name.ts'

/**
 * Grafana's webhook contact point with an HMAC signature, since Grafana 12 (grafana.com/docs, "Configure webhook
 * notifications"). Set a timestamp header there and name it here: without one a captured request can be sent again
 * until its digest is forgotten.
 *
 * There is no event id; the body's digest is one, and a repeated notification with the same text is the same event.
 */
export const grafanaProvider: Provider = {
  name: 'grafana',
  title: 'Grafana Alerting',
  documentation:
    'https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/',
  evidence: {
    level: 'documented',
    reason: 'its documentation has the construction; several receivers agree',
  },
  schemes: [
    {
      name: 'grafana-signature',
      algorithm: 'hmac-sha256',
      key: { as: 'utf8' },
      signature: { in: [{ header: 'x-grafana-alerting-signature' }], encoding: 'hex' },
      content: ['body'],
    },
  ],
  envelopes: [
    {
      name: 'grafana-notification',
      id: [],
      type: { json: ['status'] },
      orderingKey: [{ json: ['groupKey'] }],
    },
  ],
}

/** Common types; others are accepted and stored all the same. */
export type GrafanaEventType = 'firing' | 'resolved'

/** What handlers get as `data`, by type: the whole JSON body, its members unchecked. The type is its `status`. */
export type GrafanaEvents = { readonly [Type in GrafanaEventType]: JsonBody }

/**
 * As of every source, and the headers that the contact point was given. Without one for the time, a captured request can
 * be sent again until its digest is forgotten.
 */
export interface GrafanaOptions extends SourceOptions {
  /** The header of the signature. Default `X-Grafana-Alerting-Signature`. */
  readonly header?: string
  /** The header of the time, where the contact point names one; the time is then a part of what is signed. */
  readonly timestampHeader?: string
}

/** A source for Grafana Alerting: the secret is the contact point's HMAC secret. */
export function grafana(options: GrafanaOptions = {}): Source<GrafanaEvents> {
  const {
    header = 'x-grafana-alerting-signature',
    timestampHeader,
    ...rest
  } = optionsOf({ name: 'grafana' }, options)
  const scheme = schemeOf(
    headerName('grafana', 'header', header),
    timestampHeader === undefined ? undefined : headerName('grafana', 'timestampHeader', timestampHeader),
  )
  return defineHmacSource<GrafanaEvents>({ ...grafanaProvider, schemes: [scheme] }, rest)
}

function schemeOf(header: string, timestampHeader: string | undefined): SignatureScheme {
  const bare: SignatureScheme = {
    name: 'grafana-signature',
    algorithm: 'hmac-sha256',
    key: { as: 'utf8' },
    signature: { in: [{ header }], encoding: 'hex' },
    content: ['body'],
  }
  if (timestampHeader === undefined) return bare
  return {
    ...bare,
    timestamp: { in: { header: timestampHeader }, unit: 'seconds', toleranceSeconds: 300 },
    content: ['timestamp', { literal: ':' }, 'body'],
  }
}
