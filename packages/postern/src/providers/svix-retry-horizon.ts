import { HOUR_MS, MINUTE_MS, SECOND_MS } from './duration.ts'

/**
 * How long Svix tries again: after 5 s, 5 minutes, 30 minutes, 2 hours, 5 hours and twice 10 hours, each from the try
 * before (`retry_schedule` of `svix/svix-webhooks`; resend.com/docs, "Retries and Replays").
 */
export const SVIX_RETRY_HORIZON_MS: number = 27 * HOUR_MS + 35 * MINUTE_MS + 5 * SECOND_MS
