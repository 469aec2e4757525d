/** The HTTP working group's own tests of structured fields: `test/vectors/NOTICE.md` says where they are from. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  parseDictionary,
  parseItem,
  parseList,
  type BareItem,
  type Item,
  type Member,
  type Parameters,
} from './structured-field.ts'
import { writeDictionary, writeItem, writeList } from './made-up-field-text.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

interface Case {
  readonly name: string
  readonly header_type: 'item' | 'list' | 'dictionary'
  readonly raw?: readonly string[]
  readonly expected?: Json
  readonly must_fail?: boolean
  readonly can_fail?: boolean
  readonly canonical?: readonly string[]
}

const FOLDER = new URL('../../../../test/vectors/structured-fields/', import.meta.url)
const files = readdirSync(FOLDER).map((name) => ({
  name,
  cases: JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as readonly Case[],
}))

/** Those that a parser may refuse, and this one does: base64 has one spelling here, as everywhere in this core. */
const REFUSED = ['bad padding', 'non-zero pad bits']

describe.each(files.filter(({ name }) => !isOfWriting(name)))('structured fields, $name', ({ cases }) => {
  it('are parsed as expected, each of them', () => {
    const wrong = cases.filter((each) => {
      const read = parsed(each)
      if (each.must_fail === true) return read !== undefined
      if (read === undefined) return each.can_fail !== true
      return JSON.stringify(read) !== JSON.stringify(each.expected)
    })
    expect(wrong.map(({ name: title }) => title)).toEqual([])
    expect(cases.length).toBeGreaterThan(0)
  })

  it('are refused where they may be only for what is no canonical base64', () => {
    const refused = cases.filter((each) => each.must_fail !== true && parsed(each) === undefined)
    expect(refused.filter(({ name: title }) => !REFUSED.includes(title))).toEqual([])
  })
})

describe.each(files)('structured fields, $name', ({ cases }) => {
  it('are written in their canonical form, or not at all', () => {
    const wrong = cases.filter((each) => {
      if (each.raw !== undefined && parsed(each) === undefined) return false
      // A list or dictionary without members is a header that is left out.
      const canonical = (each.canonical ?? each.raw)?.join(', ') ?? ''
      return written(each) !== (each.must_fail === true ? undefined : canonical)
    })
    expect(wrong.map(({ name: title }) => title)).toEqual([])
  })
})

it('a part of a field is no field', () => {
  for (const text of [
    'a=1,',
    'a=1 ,',
    ', a=1',
    'a=1;',
    'a=(1',
    'a=1)',
    '=1',
    'A=1',
    'a=1\u00a0',
    'a="é"',
    'a\n=1',
  ]) {
    expect([text, parseDictionary(text)]).toEqual([text, undefined])
  }
})

function isOfWriting(file: string): boolean {
  return file.startsWith('serialisation-tests')
}

function parsed({ header_type: type, raw }: Case): Json | undefined {
  // RFC 9110 §5.2: several lines of one field are one, joined so.
  const text = raw!.join(', ')
  if (type === 'item') {
    const item = parseItem(text)
    return item && itemJson(item)
  }
  if (type === 'list') return parseList(text)?.map(memberJson)
  const dictionary = parseDictionary(text)
  return dictionary && [...dictionary].map(([key, member]) => [key, memberJson(member)])
}

/** What was parsed, written again; of a test without a text, the value that is expected to be written. */
function written({ header_type: type, raw, expected }: Case): string | undefined {
  if (raw === undefined) return writtenValue(type, expected as readonly Json[])
  const text = raw.join(', ')
  if (type === 'item') return parseItem(text) && writeItem(parseItem(text)!)
  if (type === 'list') return parseList(text) && writeList(parseList(text)!)
  return parseDictionary(text) && writeDictionary(parseDictionary(text)!)
}

function writtenValue(type: Case['header_type'], expected: readonly Json[]): string | undefined {
  if (type === 'item') return writeItem(itemOf(expected))
  if (type === 'list') return writeList(expected.map(memberOf))
  const entries = expected as readonly (readonly [string, Json])[]
  return writeDictionary(new Map(entries.map(([key, member]) => [key, memberOf(member)])))
}

function memberJson(member: Member): Json {
  if (member.kind === 'item') return itemJson(member)
  return [member.items.map(itemJson), parametersJson(member.parameters)]
}

function itemJson({ item, parameters }: Item): Json {
  return [bareJson(item), parametersJson(parameters)]
}

function parametersJson(parameters: Parameters): Json {
  return [...parameters].map(([key, value]) => [key, bareJson(value)])
}

/** The tests write bytes in base32, and a decimal that is whole as an integer. */
function bareJson(item: BareItem): Json {
  if (item.kind === 'bytes') return { __type: 'binary', value: base32(item.value) }
  if (item.kind === 'token' || item.kind === 'date') return { __type: item.kind, value: item.value }
  if (item.kind === 'display') return { __type: 'displaystring', value: item.value }
  return item.value
}

function memberOf(json: Json): Member {
  const [first, parameters] = json as readonly [Json, Json]
  if (!Array.isArray(first)) return itemOf(json as readonly Json[])
  return {
    kind: 'inner-list',
    items: first.map((each) => itemOf(each as readonly Json[])),
    parameters: parametersOf(parameters),
  }
}

function itemOf([bare, parameters]: readonly Json[]): Item {
  return { kind: 'item', item: bareOf(bare!), parameters: parametersOf(parameters!) }
}

function parametersOf(json: Json): Parameters {
  return new Map((json as readonly (readonly [string, Json])[]).map(([key, value]) => [key, bareOf(value)]))
}

function bareOf(json: Json): BareItem {
  if (typeof json === 'boolean') return { kind: 'boolean', value: json }
  if (typeof json === 'string') return { kind: 'string', value: json }
  if (typeof json === 'number') return { kind: Number.isInteger(json) ? 'integer' : 'decimal', value: json }
  const { __type: type, value } = json as { readonly __type: string; readonly value: string }
  if (type === 'binary') return { kind: 'bytes', value: fromBase32(value) }
  if (type === 'displaystring') return { kind: 'display', value }
  if (type === 'date') return { kind: 'date', value: Number(value) }
  return { kind: 'token', value }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648 §6. */
function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('')
  const text = (bits.match(/.{1,5}/g) ?? [])
    .map((five) => ALPHABET[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('')
  return text.padEnd(Math.ceil(text.length / 8) * 8, '=')
}

function fromBase32(text: string): Uint8Array {
  const bits = Array.from(text.replaceAll('=', ''), (character) =>
    ALPHABET.indexOf(character).toString(2).padStart(5, '0'),
  ).join('')
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (eight) => Number.parseInt(eight, 2))
}
