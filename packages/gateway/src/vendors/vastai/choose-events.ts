import { problem, type Checked } from '../../config/problem.ts'
import type { VastNotificationKind } from './vastai-api.ts'

export interface EventChoice {
  /** Comma-separated; with or without the context before a colon. */
  readonly asked: string | undefined
  readonly context: string | undefined
}

/** What somebody who rents instances, or lets machines, acts on. All of them stand in Vast.ai's own text. */
const DEFAULTS: Readonly<Record<string, readonly string[]>> = {
  client: [
    'outbid',
    'instance_offline',
    'instance_online',
    'instance_started',
    'instance_stopped',
    'upcoming_downtime',
    'low_credit',
    'billing_failed',
  ],
  host: ['machine_offline', 'machine_error', 'maintenance_scheduled'],
}

/**
 * The keys to subscribe to, all of one context: a delivery does not say which context it is of, and Vast.ai asks for "a dedicated
 * webhook per context".
 */
export function chooseEvents(
  known: readonly VastNotificationKind[],
  { asked, context = 'client' }: EventChoice,
): Checked<readonly string[]> {
  const keys = new Set(known.map(({ key }) => key))
  const list = known.map(({ key }) => key).join(', ')
  if (asked === undefined) {
    const defaults = (DEFAULTS[context] ?? [])
      .map((slug) => `${context}:${slug}`)
      .filter((key) => keys.has(key))
    return defaults.length > 0
      ? { ok: true, value: defaults }
      : problem(
          '--events',
          `none of the usual events of '${context}' is offered to this account; it has ${list}`,
        )
  }
  const wanted = [
    ...new Set(
      asked
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== ''),
    ),
  ].map((each) => (each.includes(':') ? each : `${context}:${each}`))
  const unknown = wanted.filter((key) => !keys.has(key))
  if (wanted.length === 0) return problem('--events', 'names no event')
  if (unknown.length > 0)
    return problem('--events', `there is no ${unknown.join(', ')}; this account has ${list}`)
  const contexts = new Set(wanted.map((key) => key.split(':')[0]))
  return contexts.size === 1
    ? { ok: true, value: wanted }
    : problem(
        '--events',
        `of ${[...contexts].join(' and ')} at once: a delivery does not say which, so register a URL for each, such as /webhooks/vastai-host`,
      )
}
