/** One thing that keeps the gateway from starting. */
export interface Problem {
  /** Where to mend it: `sources.vastai.secret`, `PORT`, a file's name. */
  readonly path: string
  /** What is wrong and what to do; never contains a secret. */
  readonly message: string
}

/** A value, or everything that is wrong with it. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** Thrown by a start that cannot succeed as configured: printed as one line per problem, without a stack. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ path, message }) => `${path}: ${message}`).join('; '))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** The value, or a `ConfigError` with all that is wrong. */
export function orThrow<T>(checked: Checked<T>): T {
  if (checked.ok) return checked.value
  throw new ConfigError(checked.problems)
}

/** A single problem, as a failed check. */
export function problem(
  path: string,
  message: string,
): { readonly ok: false; readonly problems: readonly Problem[] } {
  return { ok: false, problems: [{ path, message }] }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
