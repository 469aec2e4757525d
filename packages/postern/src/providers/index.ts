/**
 * The catalogue: who sends, as data.
 *
 * @module
 */
import type { Provider } from '../core/index.ts'
import { animaProvider } from './anima.ts'
import { castaiProvider } from './castai.ts'
import { coreweaveProvider } from './coreweave.ts'
import { vastaiProvider } from './vastai.ts'

export { anima, type AnimaEvents, type AnimaLabsEventType, type AnimaLabsNotification } from './anima.ts'
export { castai } from './castai.ts'
export { coreweave } from './coreweave.ts'
export { custom, type CustomOptions } from './custom.ts'
export type { TemplateData, TemplateEvents } from './template.ts'
export { vastai, type VastaiEvents, type VastNotification, type VastNotificationType } from './vastai.ts'

/** Every built-in provider. */
export const providers: readonly Provider[] = [
  vastaiProvider,
  castaiProvider,
  coreweaveProvider,
  animaProvider,
]
