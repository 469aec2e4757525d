import { effectBounds } from '../../inbox/index.ts'

const boundsProblem = effectBounds('BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE|PRAGMA|ATTACH|DETACH|VACUUM')

/** What keeps an effect from being run as it is, or from getting to the thread that runs it; `undefined` where nothing does. */
export function effectProblem(effect: unknown): string | undefined {
  const { sql, params = [] } = Object(effect) as { readonly sql?: unknown; readonly params?: unknown }
  if (typeof sql !== 'string') return 'an effect has no text of SQL'
  const outOfBounds = boundsProblem(sql)
  if (outOfBounds !== undefined) return outOfBounds
  const sqlProblem = textProblem(sql)
  if (sqlProblem !== undefined) return `the SQL of an effect ${sqlProblem}`
  if (!Array.isArray(params)) return 'the params of an effect are no list'
  for (const [index, value] of params.entries()) {
    const problem = valueProblem(value)
    if (problem !== undefined) return `params[${index}] of an effect ${problem}`
  }
  return undefined
}

function valueProblem(value: unknown): string | undefined {
  if (typeof value === 'string') return textProblem(value)
  const isValue = value === null || ['bigint', 'number'].includes(typeof value) || value instanceof Uint8Array
  return isValue ? undefined : `is of a type that SQLite does not have: ${typeof value}`
}

/**
 * What would be written otherwise than it was given. One driver cuts a text off at NUL, bound or read, and where it is kept, what
 * SQLite's functions make of it is undefined (sqlite.org/c3ref/bind_blob.html).
 */
function textProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'has a NUL, at which SQLite may cut it off: take it out, or bind bytes'
  // With the flag `u`, a class of surrogates matches only those that are not half of a pair.
  return /\p{Surrogate}/u.test(text)
    ? 'has half a surrogate pair, which has no form in UTF-8: take it out, or bind bytes'
    : undefined
}
