/** Structured fields (RFC 9651) by their grammar, as expressions put together from §3 and §4.2. */
import * as fc from 'fast-check'
import { parseDictionary, parseItem, parseList } from '../../packages/postern/src/core/structured-field.ts'
import { writeDictionary, writeItem, writeList } from '../../packages/postern/src/core/made-up-field-text.ts'
import { writeMember } from '../../packages/postern/src/core/structured-field-text.ts'
import { almost } from './edits.ts'

export const KEY = '[a-z*][a-z0-9_.*-]*'
export const BARE = [
  '-?[0-9]{1,15}',
  String.raw`-?[0-9]{1,12}\.[0-9]{1,3}`,
  String.raw`"(?:[ !#-\[\]-~]|\\["\\])*"`,
  String.raw`[A-Za-z*][!#$%&'*+.^_\x60|~0-9A-Za-z:/-]*`,
  ':[A-Za-z0-9+/=]*:',
  String.raw`\?[01]`,
  '@-?[0-9]{1,15}',
  '%"(?:[ !#-$&-~]|%[0-9a-f]{2})*"',
].join('|')
export const PARAMETERS = `(?:; *${KEY}(?:=(?:${BARE}))?)*`
export const ITEM = `(?:${BARE})${PARAMETERS}`
const MEMBER = String.raw`(?:${ITEM}|\( *(?:${ITEM}(?: +${ITEM})*)? *\)${PARAMETERS})`
const ENTRY = `${KEY}(?:=${MEMBER}|${PARAMETERS})`

const listOf = (member: string): RegExp => new RegExp(`^ *(?:${member}(?:[ \t]*,[ \t]*${member})*[ \t]*)?$`)
export const DICTIONARY = listOf(ENTRY)

/** Parses, and writes what was parsed in the one form that §4.1 has for it. */
const FORMS = {
  item: { grammar: new RegExp(`^ *${ITEM} *$`), rewrite: through(parseItem, writeItem) },
  list: { grammar: listOf(MEMBER), rewrite: through(parseList, writeList) },
  dictionary: { grammar: DICTIONARY, rewrite: through(parseDictionary, writeDictionary) },
}

const NOT_WRITTEN = 'cannot be written'

function through<Value>(
  parse: (text: string) => Value | undefined,
  write: (value: Value) => string | undefined,
): (text: string) => string | undefined {
  return (text) => {
    const value = parse(text)
    return value === undefined ? undefined : (write(value) ?? NOT_WRITTEN)
  }
}

const SEEDS = [
  'sig1=("@method" "@path";req "content-digest");created=1618884473;keyid="test-key";alg="ed25519"',
  'sig1=:K2qGT5srn2OGbOIDzQ6kYT+ruaycnDAAUpKv+ePFfD0=:, sig2=:AA==:',
  'a=1, b;x=?0, c=(1 2.5 "x");y, d=@1659578233',
  '1, 2.125;q=0.5, token/x:y, (a "b" :AQ==:), ?1',
  '"a \\"quoted\\" text";p=*tok',
  '%"f%c3%bc"',
  '-999999999999.999',
  '@-1;a=?1',
  ' a , b ',
]

export const structuredFieldInputs = fc.tuple(
  fc.constantFrom(...(['item', 'list', 'dictionary'] as const)),
  almost(SEEDS),
)

/** What is wrong with what is made of a field; `undefined` where nothing is. */
export function wrongInStructuredField([form, text]: readonly [keyof typeof FORMS, string]):
  | string
  | undefined {
  const { grammar, rewrite } = FORMS[form]
  const written = rewrite(text)
  if (written === undefined) {
    // Base64 that is not canonical and percent signs over no UTF-8 are refused as well, which no expression tells.
    return grammar.test(text) && !/[:%]/.test(text) ? 'refused what the grammar has' : undefined
  }
  if (!grammar.test(text)) return 'accepted what the grammar has not'
  if (rewrite(written) !== written) return `written as ${written}, and read as ${rewrite(written)}`
  // What was parsed is written without a look at whether it can be: both ways have to say the same.
  const members = form === 'list' ? parseList(text)?.map(writeMember).join(', ') : written
  return members === written ? undefined : `written as ${written}, and as ${members}`
}
