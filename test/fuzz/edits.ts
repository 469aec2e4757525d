import * as fc from 'fast-check'

/** What parsers stumble over; edits put it anywhere. */
const TOKENS: readonly string[] = [
  ['', ' ', '\t', '\n', '\r\n', '\0', '.', ',', ';', ':', '=', '+', '-', '_', '/', '%', '"', '\\', '[', ']'],
  ['{', '}', '0', '1', '9', '30', '31', '60', 'Z', 'z', 'T', 'v1', 'v1,', 'v1=', 't=', 'sha256=', '=='],
  ['true', 'null', '1e9', '0x1', 'NaN', '-0', '__proto__', 'constructor', '\u00e9', '\u00a0', '\ufeff'],
  [
    '\ud800',
    '\ufffd',
    '\u2028',
    'é',
    '€',
    '\u{1f600}',
    '\\u0061',
    '\\"',
    '\\\\',
    '00',
    '99999999999999999999',
  ],
].flat()

interface Edit {
  readonly kind: 'insert' | 'cut' | 'repeat' | 'replace' | 'swap' | 'next'
  readonly at: number
  readonly length: number
  readonly token: string
}

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('insert', 'cut', 'repeat', 'replace', 'swap', 'next'),
  at: fc.nat({ max: 400 }),
  length: fc.nat({ max: 8 }),
  token: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...TOKENS) },
    fc.nat({ max: 0xff }).map((code) => String.fromCharCode(code)),
  ),
})

/** Texts that are almost one of the seeds: with up to three edits, and now and then quite another. */
export function almost(seeds: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    {
      weight: 9,
      arbitrary: fc
        .tuple(fc.constantFrom(...seeds), fc.array(edit, { maxLength: 3 }))
        .map(([seed, edits]) => edits.reduce(edited, seed)),
    },
    fc.string({ unit: 'binary', maxLength: 40 }),
  )
}

function edited(text: string, { kind, at, length, token }: Edit): string {
  const start = text.length === 0 ? 0 : at % (text.length + 1)
  const [before, after] = [text.slice(0, start), text.slice(start)]
  if (kind === 'insert') return before + token + after
  if (kind === 'cut') return before + after.slice(length)
  if (kind === 'repeat') return before + after.slice(0, length) + after
  if (kind === 'next') return before + String.fromCharCode(after.charCodeAt(0) + 1) + after.slice(1)
  if (kind === 'replace') return before + token + after.slice(token.length)
  return before + after.slice(length, 2 * length) + after.slice(0, length) + after.slice(2 * length)
}
