/**
 * The stand-alone gateway: what a `postern.config.ts` needs.
 *
 * @module
 */
export { defineConfig, type GatewayConfig } from './config/define-config.ts'
export { coreweaveQueue, type CoreweaveQueueOptions } from './vendors/coreweave/alerts-queue.ts'
export type { PullQueue } from './vendors/pull-queue.ts'
export { pullOnly } from './vendors/pull-only.ts'
export type { Reconciliation } from './vendors/reconciling.ts'
export { vastaiInstances, type VastaiInstancesOptions } from './vendors/vastai/vastai-instances.ts'
export type { DestinationOptions, Filter, Route } from './forward/index.ts'
export {
  notify,
  type DiscordOptions,
  type Notification,
  type NotifyOptions,
  type PagerDutyOptions,
  type Severity,
  type SeverityOverride,
  type SlackOptions,
  type WebhookOptions,
} from './notify/index.ts'
