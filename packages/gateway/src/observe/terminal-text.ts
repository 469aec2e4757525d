import { escapeUnprintable } from './escape.ts'

/** What became of an accepted request. */
export const OUTCOME_TEXT: Readonly<Record<'conflict' | 'duplicate' | 'stored', string>> = {
  stored: 'stored as',
  duplicate: 'duplicate of',
  conflict: 'conflict (an id seen before with another body, not handled), stored as',
}

/** What became of an attempt. */
export const ATTEMPT_TEXT: Readonly<Record<'dead' | 'lost' | 'released' | 'retry' | 'succeeded', string>> = {
  succeeded: 'handled',
  retry: 'failed, again',
  dead: 'failed for good',
  released: 'given back',
  lost: 'overtaken by another worker',
}

/** Whose event, of which type. */
export function eventName(source: string, type: string): string {
  return `${escapeUnprintable(source)} ${escapeUnprintable(type)}`
}

/** A duration to be read. */
export function durationText(durationMs: number): string {
  return `${durationMs < 10 ? durationMs.toFixed(1) : Math.round(durationMs)} ms`
}

/** Many occurrences in one line. */
export function summaryText(counts: ReadonlyMap<string, number>): string {
  const parts = [...counts].map(([label, count]) => `${count.toLocaleString('en')} ${label}`)
  return `… and this second also: ${parts.join(', ')}`
}

/** The message and where it was thrown; every line escaped, since a message may quote what a sender wrote. */
export function errorLines(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [escapeUnprintable(String(error), 500)]
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const head = escapeUnprintable(`${error.name}: ${error.message}`, 500)
  return [head, ...frames.slice(0, 4).map((line) => escapeUnprintable(line.trim()))]
}
