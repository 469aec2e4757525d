/** One argument for a POSIX shell, to be copied from the terminal: nothing in it is a command, an option aside. */
export function shellQuote(text: string): string {
  if (/^[A-Za-z0-9_./:@%+=,-]+$/.test(text)) return text
  return `'${text.replaceAll("'", `'\\''`)}'`
}
