import { PAGERDUTY_URL, type Notification, type ResolvedNotification } from './notify-options.ts'

/** Where a notification goes, whichever of its options says so. */
export function resolvedNotification(name: string, notification: Notification): ResolvedNotification {
  if (notification.notify === 'webhook') {
    const { url = '', secret, ...options } = notification
    return { ...options, name, url, ...(secret !== undefined && { secret }) }
  }
  if (notification.notify === 'pagerduty') {
    const { url = PAGERDUTY_URL, routingKey = '', ...options } = notification
    return { ...options, name, url, routingKey }
  }
  const { webhookUrl = '', ...options } = notification
  return { ...options, name, url: webhookUrl }
}
