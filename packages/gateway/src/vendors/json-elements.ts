/**
 * The exact texts of the elements of an array that is a member of an object: what a message's bytes are, when messages come
 * together in one answer. To parse and write them again would change numbers that no double can hold, and escapes.
 *
 * The text must be JSON, as `JSON.parse` has found already; where the object has the member twice, the last counts, as it does
 * there. `undefined` where it has no such array.
 */
export function elementsOf(text: string, member: string): readonly string[] | undefined {
  let position = afterSpace(text, 0)
  if (text[position] !== '{') return undefined
  let found: readonly string[] | undefined
  position = afterSpace(text, position + 1)
  while (text[position] === '"') {
    const keyEnd = afterValue(text, position)
    const start = afterSpace(text, afterSpace(text, keyEnd) + 1)
    const end = afterValue(text, start)
    if (JSON.parse(text.slice(position, keyEnd)) === member) found = elements(text, start)
    position = afterComma(text, end)
  }
  return found
}

function elements(text: string, start: number): readonly string[] | undefined {
  if (text[start] !== '[') return undefined
  const found: string[] = []
  let position = afterSpace(text, start + 1)
  while (position < text.length && text[position] !== ']') {
    const end = afterValue(text, position)
    found.push(text.slice(position, end))
    position = afterComma(text, end)
  }
  return found
}

/** Where the value that starts here ends. */
function afterValue(text: string, start: number): number {
  let depth = 0
  let position = start
  for (; position < text.length; position += 1) {
    const character = text[position]
    if (character === '"') position = lastOfString(text, position)
    else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') {
      // The end of what this value is in.
      if (depth === 0) return position
      depth -= 1
    } else if (depth === 0 && (character === ',' || isSpace(character))) return position
    else continue
    if (depth === 0) return position + 1
  }
  return position
}

function lastOfString(text: string, start: number): number {
  let position = start + 1
  while (position < text.length && text[position] !== '"') position += text[position] === '\\' ? 2 : 1
  return position
}

function afterComma(text: string, start: number): number {
  const position = afterSpace(text, start)
  return text[position] === ',' ? afterSpace(text, position + 1) : position
}

function afterSpace(text: string, start: number): number {
  let position = start
  while (isSpace(text[position])) position += 1
  return position
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\n' || character === '\r' || character === '\t'
}
