import {
  defineSourceBy,
  headerSecrets,
  type Envelope,
  type Provider,
  type SecretInHeader,
  type Source,
  type SourceOptions,
} from '../core/index.ts'
import { TEXT, TEXTS } from '../core/option-kinds.ts'
import { optionsOf } from '../core/source-options.ts'
import { atPaths, type BodyPaths } from './body-paths.ts'
import { headerName } from './header-name.ts'

/**
 * The template to paste into Cast AI, with the documented variables only (docs.cast.ai, "Setup notification webhook").
 * Beside it add two headers there: `Content-Type: application/json`, and one with a long random secret.
 *
 * It is rendered by Go's text/template, which escapes nothing: a quotation mark in a message makes the body malformed.
 */
export const CASTAI_NOTIFICATION_TEMPLATE = `{
  "id": "{{ .NotificationID }}",
  "type": "castai.notification",
  "severity": "{{ .Severity }}",
  "name": "{{ .Name }}",
  "message": "{{ .Message }}",
  "organizationId": "{{ .OrganizationID }}",
  "created": "{{ toISO8601 .Timestamp }}",
  "cluster": {
    "id": "{{ .Cluster.ID }}",
    "name": "{{ .Cluster.Name }}",
    "provider": "{{ .Cluster.ProviderType }}"
  },
  "details": {{ toJSON .Details }}
}
`

/** What a rendered `CASTAI_NOTIFICATION_TEMPLATE` holds. */
export interface CastaiNotification {
  readonly id: string
  readonly type: 'castai.notification'
  /** Critical, Error, Warning, Info or Success. */
  readonly severity: string
  readonly name: string
  readonly message: string
  readonly organizationId: string
  readonly created: string
  /** Of a notification that is about no cluster, with empty texts. */
  readonly cluster: { readonly id: string; readonly name: string; readonly provider: string }
  readonly details: unknown
}

/** A body that is not JSON arrives as an event of the type `unknown`, with its bytes and without data. */
export type CastaiNotificationEvents = {
  readonly 'castai.notification': CastaiNotification
  readonly unknown: undefined
}

const envelope: Envelope = {
  name: 'castai-notification',
  id: [{ json: ['id'] }],
  type: { json: ['type'] },
  defaultType: 'castai.notification',
  created: { in: { json: ['created'] }, unit: 'rfc3339' },
  orderingKey: [{ json: ['cluster', 'id'] }],
}

/**
 * Cast AI's own notification webhooks (docs.cast.ai/docs/setup-notification-webhook): the body is a template that its
 * user writes, the headers are those that its user adds, and nothing is signed as far as its public text says.
 *
 * No content type is asked for, since Cast AI sends none unless a header for it is added. A malformed body is kept as an
 * event: templates are not escaped, and what a sender does after a 400 is not documented.
 */
export const castaiNotificationsProvider: Provider = castaiNotificationsWith({ header: 'x-webhook-secret' })

/** As of every source, and where the secret stands, and, with a template of your own, id and type. */
export interface CastaiNotificationsOptions extends SourceOptions, BodyPaths {
  /** The header that was added in Cast AI. Default `X-Webhook-Secret`. */
  readonly header?: string
  /** The word before the secret, where the header is `Authorization: Bearer <secret>`. */
  readonly authScheme?: 'Bearer'
}

/**
 * A source for Cast AI's notification webhooks, by a secret in a header of your choice; apart from `castai()`, with
 * another secret.
 *
 * `id` and `type` say where a template of your own has them; default `id` and `type`, as `CASTAI_NOTIFICATION_TEMPLATE`
 * does. Without an id there, the digest of the body is the id.
 */
export function castaiNotifications(
  options: CastaiNotificationsOptions = {},
): Source<CastaiNotificationEvents> {
  const {
    header = 'x-webhook-secret',
    authScheme,
    id,
    type,
    ...rest
  } = optionsOf({ name: 'castai-notifications' }, options, { authScheme: TEXT, id: TEXTS, type: TEXTS })
  const place = {
    header: headerName('castai-notifications', 'header', header),
    ...(authScheme !== undefined && { authScheme }),
  }
  const paths = { ...(id !== undefined && { id }), ...(type !== undefined && { type }) }
  return defineSourceBy<CastaiNotificationEvents>(
    [headerSecrets],
    castaiNotificationsWith(place, paths),
    rest,
  )
}

function castaiNotificationsWith(secret: SecretInHeader, paths: BodyPaths = {}): Provider {
  return {
    name: 'castai-notifications',
    title: 'Cast AI notifications',
    documentation: 'https://docs.cast.ai/docs/setup-notification-webhook',
    evidence: { level: 'documented', reason: 'headers of your own, as its documentation has it' },
    schemes: [{ name: 'castai-header', algorithm: 'static-secret', secret }],
    envelopes: [atPaths(envelope, paths)],
    unreadableBody: 'keep',
    undocumented: [
      'any signature, timestamp or event id in a header',
      'retries and the time limit for an answer',
      'how {{ .Cluster.ID }} renders where there is no cluster',
    ],
  }
}
