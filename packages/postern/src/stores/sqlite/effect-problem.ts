/**
 * What would end the transaction that everybody's events are in, or outlive it: other work of the same commit would be done again.
 * After what SQLite passes over: blanks, comments, empty statements.
 */
const OUT_OF_BOUNDS =
  /^(?:[\s;]|--[^\n]*|\/\*[\s\S]*?\*\/)*(BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE|PRAGMA|ATTACH|DETACH|VACUUM)\b/i

/** What keeps an effect from being run, or from getting to the thread that runs it; `undefined` where nothing does. */
export function effectProblem(effect: unknown): string | undefined {
  const { sql, params = [] } = Object(effect) as { readonly sql?: unknown; readonly params?: unknown }
  if (typeof sql !== 'string') return 'an effect has no text of SQL'
  const forbidden = OUT_OF_BOUNDS.exec(sql)?.[1]
  if (forbidden !== undefined)
    return `an effect must not ${forbidden.toUpperCase()}: it is written in the transaction of its settlement`
  if (!Array.isArray(params)) return 'the params of an effect are no list'
  const index = params.findIndex((value) => !isSqliteValue(value))
  return index < 0
    ? undefined
    : `params[${index}] of an effect is of a type that SQLite does not have: ${typeof params[index]}`
}

function isSqliteValue(value: unknown): boolean {
  return (
    value === null || ['bigint', 'number', 'string'].includes(typeof value) || value instanceof Uint8Array
  )
}
