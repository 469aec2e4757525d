/** Bugs that parsers of webhooks have had, or nearly: each a place of ours that is written wrongly, in a copy. */
export interface PlantedBug {
  readonly name: string
  /** The target that is to find it. */
  readonly target: string
  /** In `packages/postern/src/core/`. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'takes a number with junk behind it for a time',
    target: 'timestamps',
    file: 'timestamp.ts',
    find: String.raw`/^\d{1,15}$/`,
    replace: String.raw`/^\d{1,15}/`,
  },
  {
    name: 'takes February 30 for March 2',
    target: 'timestamps',
    file: 'timestamp.ts',
    find: 'if (day > 28 &&',
    replace: 'if (day > 31 &&',
  },
  {
    name: 'answers NaN for a time',
    target: 'timestamps',
    file: 'timestamp.ts',
    find: 'Number.isNaN(parsed) ? undefined : parsed',
    replace: 'parsed',
  },
  {
    name: 'takes the last of doubled headers',
    target: 'headers',
    file: 'request.ts',
    find: 'if (found !== undefined) return DOUBLED',
    replace: '',
  },
  {
    name: 'takes a value for a name',
    target: 'headers',
    file: 'request.ts',
    find: 'index < headers.length; index += 2',
    replace: 'index < headers.length; index += 1',
  },
  {
    name: 'hands on headers that are no text',
    target: 'shapes of headers',
    file: 'request.ts',
    find: "typeof text === 'string' ? text : ''",
    replace: 'text as string',
  },
  {
    name: 'cuts off a prefix that is not there',
    target: 'signature headers',
    file: 'signature-header.ts',
    find: 'text.startsWith(prefix) ? text.slice(prefix.length) : undefined',
    replace: 'text.slice(prefix.length)',
  },
  {
    name: 'takes any number of signatures',
    target: 'signature headers',
    file: 'signature-header.ts',
    find: 'entries.push(entry) > MAX_ENTRIES',
    replace: 'entries.push(entry) < 0',
  },
  {
    name: 'takes the last of doubled fields',
    target: 'signature headers',
    file: 'signature-header.ts',
    find: 'fields.has(name) ? DOUBLED : text',
    replace: 'text',
  },
  {
    name: 'takes a signature of any length',
    target: 'signature headers',
    file: 'signature-header.ts',
    find: 'bytes !== undefined && isLengthOf(algorithm, bytes.byteLength)',
    replace: 'bytes !== undefined',
  },
  {
    name: 'decodes base64 leniently',
    target: 'encodings',
    file: 'encoding.ts',
    find: 'bytes.length > 0 && bytes.toString(encoding) === text',
    replace: 'bytes.length > 0',
  },
  {
    name: 'takes a number that JSON does not carry exactly for an id',
    target: 'envelopes',
    file: 'place.ts',
    find: 'Number.isSafeInteger(value)',
    replace: "typeof value === 'number'",
  },
  {
    name: 'throws for a body that is no JSON',
    target: 'envelopes',
    file: 'place.ts',
    find: 'catch {\n    return undefined',
    replace: "catch {\n    throw new Error('no JSON')",
  },
  {
    name: 'keeps ids with NUL, which PostgreSQL refuses',
    target: 'envelopes',
    file: 'envelope.ts',
    find: String.raw`/[\0\uFFFD\uD800-\uDFFF]/u`,
    replace: String.raw`/[\uD800-\uDFFF]/u`,
  },
  {
    name: 'ends a string at an escaped quotation mark',
    target: 'members of a body',
    file: 'json-member.ts',
    find: 'body[at] === BACKSLASH ? 2 : 1',
    replace: '1',
  },
  {
    name: 'does not look behind a byte order mark',
    target: 'members of a body',
    file: 'json-member.ts',
    find: 'body[0] === 0xef ? 3 : 0',
    replace: '0',
  },
  {
    name: 'compares a name as it is written, not as it is meant',
    target: 'members of a body',
    file: 'json-member.ts',
    find: 'if (written.includes(BACKSLASH)) return stringAt(body, key) === name',
    replace: '',
  },
  {
    name: 'takes a list that ends with a comma',
    target: 'structured fields',
    file: 'structured-field.ts',
    find: 'if (this.isAtEnd()) fail()',
    replace: '',
  },
  {
    name: 'takes capitals in the key of a parameter',
    target: 'structured fields',
    file: 'structured-field.ts',
    find: '/[a-z*][a-z0-9_.*-]*/y',
    replace: '/[A-Za-z*][A-Za-z0-9_.*-]*/y',
  },
]
