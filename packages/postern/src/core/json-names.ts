/**
 * The names of the members of the object that a JSON text is, a doubled one as often as it stands there: `JSON.parse` takes the
 * last of them without a word.
 */
export function memberNames(json: string): readonly string[] {
  const names: string[] = []
  let depth = 0
  let isInText = false
  let start = 0
  let end = 0
  for (const { 0: mark, index } of json.matchAll(MARK)) {
    if (mark === '"') {
      if (isInText) end = index + 1
      else start = index
      isInText = !isInText
    } else if (!isInText) {
      if (mark === ':' && depth === 1) names.push(JSON.parse(json.slice(start, end)) as string)
      else if (mark === '{' || mark === '[') depth += 1
      else if (mark === '}' || mark === ']') depth -= 1
    }
  }
  return names
}

/** Where a text begins or ends, and what stands between texts; a backslash takes what follows it along. */
const MARK = /\\.|["{}[\]:]/g
