/** Lengths of time in milliseconds, for what providers say of themselves in minutes, hours and days. */
export const SECOND_MS: number = 1000
export const MINUTE_MS: number = 60 * SECOND_MS
export const HOUR_MS: number = 60 * MINUTE_MS
export const DAY_MS: number = 24 * HOUR_MS
