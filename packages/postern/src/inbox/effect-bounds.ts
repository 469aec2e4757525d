/** What SQL passes over before the first word of a statement: blanks, comments, empty statements. */
const PASSED_OVER = String.raw`(?:[\s;]|--[^\n]*|/\*[\s\S]*?\*/)*`

/**
 * What keeps an effect in SQL from being run: it would end the transaction that everybody's events and settlements are in, or outlive
 * it, and other work of the same commit would be done again.
 *
 * @param statements An engine's statements of that kind, as a pattern of their first words.
 */
export function effectBounds(statements: string): (sql: string) => string | undefined {
  const outOfBounds = new RegExp(`^${PASSED_OVER}(${statements})\\b`, 'i')
  return (sql) => {
    const [, statement] = outOfBounds.exec(sql) ?? []
    if (statement === undefined) return undefined
    return `an effect must not ${statement.toUpperCase()}: it is written in the transaction of its settlement`
  }
}
