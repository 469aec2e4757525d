import type { Source } from '../core/index.ts'

/** Of a sender whose provider's data name no time limit. */
const SENDER_TIMEOUT_MS = 10_000
/** Between the handler's deadline and the sender's. */
export const HANDLED_MARGIN_MS = 1000
/** With less a handler would be given up while its event is still being recorded. */
const LEAST_FOR_A_HANDLER_MS = 500

/** How long the sender waits for its answer. */
export function senderTimeoutMs({ provider }: Pick<Source, 'provider'>): number {
  return provider.senderTimeoutMs ?? SENDER_TIMEOUT_MS
}

/** Whether the sender waits long enough for an answer after the handler. */
export function leavesTimeForHandler(source: Pick<Source, 'provider'>): boolean {
  return senderTimeoutMs(source) - HANDLED_MARGIN_MS >= LEAST_FOR_A_HANDLER_MS
}
