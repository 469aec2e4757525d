/**
 * The stand-alone gateway: what a `postern.config.ts` needs.
 *
 * @module
 */
export { defineConfig, type GatewayConfig } from './config/define-config.ts'
export type { DestinationOptions, Filter, Route } from './forward/index.ts'
