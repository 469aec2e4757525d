export { notifications } from './notifications.ts'
export { notify } from './notify.ts'
export type {
  DiscordOptions,
  Notification,
  NotifyOptions,
  PagerDutyOptions,
  ResolvedNotification,
  SeverityOverride,
  SlackOptions,
  WebhookOptions,
} from './notify-options.ts'
export { isNotification, notificationSchema } from './notify-schema.ts'
export { resolvedNotification } from './resolved-notification.ts'
export type { Severity } from './severity.ts'
