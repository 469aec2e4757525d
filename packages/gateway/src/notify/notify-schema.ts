import * as v from 'valibot'
import { deliveryEntries, headerSet, routeEntries, urlSchema } from '../forward/destination-schema.ts'
import { plainObject } from '../forward/plain-object.ts'
import type { Notification, NotifyKind } from './notify-options.ts'
import { SEVERITIES } from './severity.ts'

const MOST_PER_MINUTE = 60

const severity = v.picklist(SEVERITIES, `must be one of ${SEVERITIES.join(', ')}`)
const text = v.string('must be a text')

const common = {
  ...deliveryEntries,
  atLeast: v.optional(severity),
  perMinute: v.optional(
    v.pipe(
      v.number(),
      v.integer('must be a whole number'),
      v.minValue(1, 'must be 1 or more'),
      v.maxValue(MOST_PER_MINUTE, `must be ${MOST_PER_MINUTE} or less`),
    ),
  ),
  severity: v.optional(v.array(plainObject({ ...routeEntries, is: severity }))),
}

/** Its length is what PagerDuty itself checks first. */
const routingKey = v.pipe(text, v.regex(/^[A-Za-z0-9]{32}$/, 'must be 32 letters and digits'))

const KINDS: Readonly<Record<NotifyKind, v.GenericSchema>> = {
  slack: plainObject({ ...common, notify: v.literal('slack'), webhookUrl: urlSchema }),
  discord: plainObject({ ...common, notify: v.literal('discord'), webhookUrl: urlSchema }),
  pagerduty: plainObject({
    ...common,
    notify: v.literal('pagerduty'),
    routingKey,
    url: v.optional(urlSchema),
  }),
  webhook: plainObject({
    ...common,
    notify: v.literal('webhook'),
    url: urlSchema,
    secret: v.optional(text),
    headers: v.optional(headerSet),
  }),
}

const unknownKind = plainObject({
  notify: v.picklist(Object.keys(KINDS), `must be one of ${Object.keys(KINDS).join(', ')}`),
})

/** Checks a notification as `notify` makes it. */
export const notificationSchema: v.GenericSchema<Notification> = v.lazy((value) => {
  const kind = (value as { readonly notify?: unknown } | null)?.notify
  return typeof kind === 'string' && Object.hasOwn(KINDS, kind) ? KINDS[kind as NotifyKind] : unknownKind
}) as unknown as v.GenericSchema<Notification>

/** Whether it is meant to be one; whether it is one the schema says. */
export function isNotification(value: unknown): value is Notification {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'notify')
}
