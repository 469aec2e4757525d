/**
 * Characters that a terminal acts on or that show text as other than it is: controls and ANSI's escape, invisible and
 * bidirectional formatting, line separators, lone surrogates, private use.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Makes text from outside safe to print on one line: what cannot be seen is written as `\u{…}`. */
export function escapeUnprintable(text: string, maxLength: number = 200): string {
  const clipped = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
  return clipped.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

/** Whether the text would be printed as it is. */
export function isPrintable(text: string): boolean {
  return text.search(UNPRINTABLE) < 0
}
