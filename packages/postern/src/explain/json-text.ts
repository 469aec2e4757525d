/** How a writer of JSON spaces its tokens. */
export interface Spacing {
  readonly name: string
  readonly afterComma: string
  readonly afterColon: string
  /** For each level, on lines of their own. */
  readonly indent?: string
}

/** How a writer of JSON escapes what stands in strings. */
export interface Escaping {
  readonly name: string
  readonly escape: (text: string) => string
}

/** A JSON text in its tokens: strings, numbers, words and punctuation, each as it was written. */
export type Tokens = readonly string[]

export const SPACINGS: readonly Spacing[] = [
  { name: 'compactly', afterComma: '', afterColon: '' },
  { name: 'with spaces after commas and colons', afterComma: ' ', afterColon: ' ' },
  { name: 'indented by 2', afterComma: '', afterColon: ' ', indent: '  ' },
  { name: 'indented by 4', afterComma: '', afterColon: ' ', indent: '    ' },
  { name: 'indented by tabs', afterComma: '', afterColon: ' ', indent: '\t' },
  { name: 'with a space after colons', afterComma: '', afterColon: ' ' },
]

const NON_ASCII = /[^\x20-\x7e]/g
const HTML = /[<>&\u2028\u2029]/g

/** The writers that most senders use: JavaScript, Python, Go, PHP, .NET. */
export const ESCAPINGS: readonly Escaping[] = [
  { name: 'with nothing escaped but what must be', escape: (text) => text },
  { name: 'with \\u escapes for all but ASCII', escape: (text) => escaped(text, NON_ASCII) },
  { name: 'with / escaped', escape: (text) => text.replaceAll('/', '\\/') },
  {
    name: 'with / escaped and \\u escapes for all but ASCII',
    escape: (text) => escaped(text, NON_ASCII).replaceAll('/', '\\/'),
  },
  { name: 'with <, > and & as \\u escapes', escape: (text) => escaped(text, HTML) },
  {
    name: 'with <, >, & and all but ASCII as \\u escapes',
    escape: (text) => escaped(escaped(text, HTML), NON_ASCII),
  },
  {
    name: "with <, >, &, ', + and all but ASCII as \\u escapes in capitals",
    escape: (text) => escaped(escaped(text.replaceAll('\\"', '\\u0022'), /[<>&'+`]/g, true), NON_ASCII, true),
  },
]

const TOKEN = /\s*("[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+)/gsy

/** The tokens of a text that is JSON; `undefined` where there are more than `most`. */
export function tokensOf(text: string, most: number): Tokens | undefined {
  const tokens: string[] = []
  for (const [, token = ''] of text.matchAll(TOKEN)) {
    if (tokens.length === most) return undefined
    tokens.push(token)
  }
  return tokens
}

/** How many characters of a text some writer escapes: each costs three times what a token does. */
export function escapable(text: string): number {
  let count = 0
  for (let index = 0; index < text.length; index += 1) if (isEscapable(text.charCodeAt(index))) count += 1
  return count
}

/** The tokens with every string escaped as a writer does. */
export function restrung(tokens: Tokens, { escape }: Escaping): Tokens {
  return tokens.map((token) => {
    if (!token.startsWith('"')) return token
    return escape(token.includes('\\') ? JSON.stringify(JSON.parse(token)) : token)
  })
}

/**
 * Writes tokens with a writer's space between them. `undefined` for what comes to be longer than `maxLength`: indented, a
 * hostile megabyte of brackets would be a terabyte.
 */
export function written(tokens: Tokens, spacing: Spacing, maxLength: number): string | undefined {
  let text = ''
  let depth = 0
  let before = ''
  for (const [index, token] of tokens.entries()) {
    if (text.length > maxLength) return undefined
    const isEmpty = before === '{' || before === '['
    before = token
    if (token === '}' || token === ']') {
      depth -= 1
      text += (isEmpty ? '' : line(spacing, depth)) + token
    } else if (token === '{' || token === '[') {
      depth += 1
      const isClosed = tokens[index + 1] === (token === '{' ? '}' : ']')
      text += token + (isClosed ? '' : line(spacing, depth))
    } else if (token === ',')
      text += token + (spacing.indent === undefined ? spacing.afterComma : line(spacing, depth))
    else text += token === ':' ? token + spacing.afterColon : token
  }
  return text
}

/** The members of an object at the top, each with its name; `undefined` where there is none. */
export function membersOf(tokens: Tokens): readonly Tokens[] | undefined {
  if (tokens[0] !== '{') return undefined
  const members: string[][] = [[]]
  let depth = 0
  for (const token of tokens.slice(1, -1)) {
    if (token === '{' || token === '[') depth += 1
    else if (token === '}' || token === ']') depth -= 1
    if (token === ',' && depth === 0) members.push([])
    else members.at(-1)?.push(token)
  }
  return members
}

/** Members as one object again. */
export function objectOf(members: readonly Tokens[]): Tokens {
  return ['{', ...members.flatMap((member, index) => (index === 0 ? member : [',', ...member])), '}']
}

function line({ indent }: Spacing, depth: number): string {
  return indent === undefined ? '' : `\n${indent.repeat(depth)}`
}

/** Beside what is not printable ASCII: `"`, which ends a string or is escaped itself, is of the tokens. */
const ESCAPED_BY_SOME: ReadonlySet<number> = new Set(
  Array.from("/<>&'+`\\", (character) => character.charCodeAt(0)),
)

function isEscapable(code: number): boolean {
  return code < 0x20 || code > 0x7e || ESCAPED_BY_SOME.has(code)
}

function escaped(text: string, which: RegExp, isUpper = false): string {
  return text.replaceAll(which, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0')
    return `\\u${isUpper ? code.toUpperCase() : code}`
  })
}
