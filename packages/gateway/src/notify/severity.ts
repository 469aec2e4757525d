export const SEVERITIES = ['info', 'warning', 'critical'] as const

/** What an event weighs for people: `info` the least, `critical` the most. */
export type Severity = (typeof SEVERITIES)[number]

export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least)
}

export function worstOf(severities: readonly Severity[]): Severity {
  const worst = Math.max(0, ...severities.map((severity) => SEVERITIES.indexOf(severity)))
  return SEVERITIES[worst] ?? 'info'
}
