/** Of a value that much is looked at, whoever chose its length. */
const LONGEST_TEXT_CHARS = 4000

/**
 * A foreign text as one line of plain characters: without controls, without what turns the direction of writing or is not seen
 * (`Cf`), and without halves of a pair.
 */
export function plainText(text: string, most: number = LONGEST_TEXT_CHARS): string {
  const line = text
    .slice(0, Math.min(most, LONGEST_TEXT_CHARS) * 2)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim()
  return fitted(line, Math.min(most, LONGEST_TEXT_CHARS))
}

type Escape = (character: string) => string

/**
 * A text escaped character by character, cut so that no more than `most` UTF-16 units come out, escapes included, and none of
 * them is cut in two. What was cut ends with `…`.
 */
export function fitted(text: string, most: number, escape: Escape = (character) => character): string {
  let whole = ''
  let cut = ''
  for (const character of text) {
    const escaped = escape(character)
    if (whole.length + escaped.length > most) return `${cut}…`
    whole += escaped
    if (whole.length < most) cut = whole
  }
  return whole
}
