/**
 * The catalogue: who sends, as data.
 *
 * @module
 */
import type { Provider } from '../core/index.ts'
import { animaProvider } from './anima.ts'
import { castaiNotificationsProvider } from './castai-notifications.ts'
import { castaiProvider } from './castai.ts'
import { coreweaveAlertsProvider } from './coreweave-alerts.ts'
import { coreweaveProvider } from './coreweave.ts'
import { figmaProvider } from './figma.ts'
import { vastaiProvider } from './vastai.ts'
import { wandbProvider } from './wandb.ts'

export { anima, type AnimaEvents, type AnimaLabsEventType, type AnimaLabsNotification } from './anima.ts'
export type { BodyPaths } from './body-paths.ts'
export {
  CASTAI_NOTIFICATION_TEMPLATE,
  castaiNotifications,
  type CastaiNotification,
  type CastaiNotificationEvents,
  type CastaiNotificationsOptions,
} from './castai-notifications.ts'
export { castai } from './castai.ts'
export {
  coreweaveAlerts,
  type CoreweaveAlertsFormat,
  type CoreweaveAlertsOptions,
} from './coreweave-alerts.ts'
export { coreweave } from './coreweave.ts'
export { custom, type CustomOptions } from './custom.ts'
export {
  figma,
  type FigmaEvents,
  type FigmaFileEventType,
  type FigmaFileNotification,
  type FigmaNotification,
} from './figma.ts'
export type { TemplateData, TemplateEvents } from './template.ts'
export { vastai, type VastaiEvents, type VastNotification, type VastNotificationType } from './vastai.ts'
export { wandb, type WandbEvents, type WandbOptions, type WandbPayload } from './wandb.ts'

/** The four whose guides share the webhook template: what the gateway serves without a configuration. */
export const templateProviders: readonly Provider[] = [
  vastaiProvider,
  castaiProvider,
  coreweaveProvider,
  animaProvider,
]

/** Every built-in provider. */
export const providers: readonly Provider[] = [
  ...templateProviders,
  castaiNotificationsProvider,
  coreweaveAlertsProvider,
  wandbProvider,
  figmaProvider,
]
