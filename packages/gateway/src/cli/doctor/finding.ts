import type { Problem } from '../../config/problem.ts'

export type Level = 'ok' | 'warn' | 'fail'

/** One thing that was looked at. */
export interface Finding {
  readonly level: Level
  /** What: `node`, `store`, `sources.vastai`, `PORT`. */
  readonly subject: string
  /** What was found and, where it is not as it should be, what to do. Never contains a secret. */
  readonly message: string
}

export function ok(subject: string, message: string): Finding {
  return { level: 'ok', subject, message }
}

export function warn(subject: string, message: string): Finding {
  return { level: 'warn', subject, message }
}

export function fail(subject: string, message: string): Finding {
  return { level: 'fail', subject, message }
}

/** What would keep the gateway from starting. */
export function failures(problems: readonly Problem[]): readonly Finding[] {
  return problems.map(({ path, message }) => fail(path, message))
}
