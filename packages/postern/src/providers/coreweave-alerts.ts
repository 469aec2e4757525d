import {
  defineHmacSource,
  type Encoding,
  type Part,
  type Provider,
  type SignatureScheme,
  type Source,
  type SourceOptions,
  type TimestampRule,
} from '../core/index.ts'
import { oneOf, TEXT, TEXTS } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'
import { atPaths, type BodyPaths } from './body-paths.ts'
import { headerName } from './header-name.ts'

const CONTENT: Readonly<Record<'body' | 'timestamp.body', readonly Part[]>> = {
  body: ['body'],
  'timestamp.body': ['timestamp', { literal: '.' }, 'body'],
}

/** How the requests are signed, as you found it: nothing of this is in CoreWeave's public text. */
export interface CoreweaveAlertsFormat {
  /** The header with the signature. */
  readonly header: string
  /** Default `hex`. */
  readonly encoding?: Encoding
  /** Text before the signature, for example `sha256=`. */
  readonly prefix?: string
  /** Default `timestamp.body` where `timestamp` is given, else `body`. */
  readonly content?: 'body' | 'timestamp.body'
  /** The header with the signed time, and its unit, default `seconds`; without it no request is ever stale. */
  readonly timestamp?: { readonly header: string; readonly unit?: TimestampRule['unit'] }
}

const KINDS = {
  encoding: oneOf('hex', 'base64', 'base64url'),
  prefix: TEXT,
  content: oneOf('body', 'timestamp.body'),
  id: TEXTS,
  type: TEXTS,
}
const UNIT = { unit: oneOf('seconds', 'milliseconds', 'rfc3339') }

/**
 * As of every source, and how its requests are signed, as you found it, and where they have id and type: without these,
 * nowhere.
 */
export interface CoreweaveAlertsOptions extends SourceOptions, BodyPaths, CoreweaveAlertsFormat {}

/**
 * CoreWeave Alerts' generic webhook (docs.coreweave.com/platform/coreweave-alerts): "Sends alerts to any HTTPS endpoint,
 * with optional signature verification", by the `signing_secret` of its credential.
 *
 * That is all its public text says. The header here is a placeholder of ours, HMAC-SHA256 over the body an assumption;
 * `coreweaveAlerts()` takes both from you. What the body is like is not known either, so that any is kept.
 */
export const coreweaveAlertsProvider: Provider = coreweaveAlertsWith({ header: 'x-webhook-signature' })

/**
 * A source for CoreWeave Alerts, verified as you say; apart from `coreweave()`, with another secret. Send yourself a test
 * (`POST /v1/notifications/destinations/{id}/test`), look at its headers, and configure what you see.
 *
 * Without `id` and `type` the digest of the body is the id, and the type `unknown`: which member would be a safe id is
 * not documented, and a wrong one makes conflicts of genuine alerts.
 *
 * @example
 * coreweaveAlerts({ secret, header: 'X-The-Header-You-Saw', encoding: 'hex', prefix: 'sha256=' })
 */
export function coreweaveAlerts(options: CoreweaveAlertsOptions): Source {
  const { header, encoding, prefix, content, timestamp, id, type, ...rest } = optionsOf(
    { name: 'coreweave-alerts' },
    options,
    KINDS,
  )
  const format: CoreweaveAlertsFormat = {
    header,
    ...(encoding !== undefined && { encoding }),
    ...(prefix !== undefined && { prefix }),
    ...(content !== undefined && { content }),
    ...(timestamp !== undefined && {
      timestamp: optionsOf({ name: 'coreweave-alerts: timestamp' }, timestamp, UNIT),
    }),
  }
  const paths = { ...(id !== undefined && { id }), ...(type !== undefined && { type }) }
  return defineHmacSource(coreweaveAlertsWith(format, paths), rest)
}

function coreweaveAlertsWith(format: CoreweaveAlertsFormat, paths: BodyPaths = {}): Provider {
  return {
    name: 'coreweave-alerts',
    title: 'CoreWeave Alerts',
    documentation: 'https://docs.coreweave.com/platform/coreweave-alerts/webhooks',
    evidence: {
      level: 'reported',
      reason: 'its documentation says that requests can be signed, and not how',
    },
    schemes: [schemeOf(format)],
    envelopes: [atPaths({ name: 'coreweave-alert', id: [] }, paths)],
    unreadableBody: 'keep',
    undocumented: [
      'the header of the signature; the one here is a placeholder',
      'what is signed, and how the signature is written',
      'whether a time is signed',
      'the form of the body',
      'retries and the time limit for an answer',
    ],
  }
}

function schemeOf({
  header,
  encoding = 'hex',
  prefix,
  content,
  timestamp,
}: CoreweaveAlertsFormat): SignatureScheme {
  const signed = content ?? (timestamp === undefined ? 'body' : 'timestamp.body')
  return {
    name: 'coreweave-alerts-signature',
    algorithm: 'hmac-sha256',
    key: { as: 'utf8' },
    signature: {
      in: [{ header: headerName('coreweave-alerts', 'header', header) }],
      ...(prefix !== undefined && { prefix }),
      encoding,
    },
    ...(timestamp !== undefined && {
      timestamp: {
        in: { header: headerName('coreweave-alerts', 'timestamp.header', timestamp.header) },
        unit: timestamp.unit ?? 'seconds',
        toleranceSeconds: 300,
      },
    }),
    content: CONTENT[signed],
  }
}
