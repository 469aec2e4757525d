/** What keeps an effect from being run, or from getting to the thread that runs it; `undefined` where nothing does. */
export function effectProblem(effect: unknown): string | undefined {
  const { sql, params = [] } = Object(effect) as { readonly sql?: unknown; readonly params?: unknown }
  if (typeof sql !== 'string') return 'an effect has no text of SQL'
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
