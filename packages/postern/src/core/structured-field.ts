import { decodeStrictly } from './encoding.ts'

/**
 * Structured fields (RFC 9651, which replaces RFC 8941), parsed as §4.2 says: whatever has not exactly that form is
 * nothing, so that two readers of one header cannot differ in what they take it for.
 *
 * @module
 */

/** One value, with its kind: `1`, `1.0`, `?1` and `"1"` are four. */
export type BareItem =
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'decimal'; readonly value: number }
  | { readonly kind: 'date'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'token'; readonly value: string }
  | { readonly kind: 'display'; readonly value: string }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'boolean'; readonly value: boolean }

/** In the order in which they first came; of two of one name the last counts. */
export type Parameters = ReadonlyMap<string, BareItem>

export interface Item {
  readonly kind: 'item'
  readonly item: BareItem
  readonly parameters: Parameters
}

export interface InnerList {
  readonly kind: 'inner-list'
  readonly items: readonly Item[]
  readonly parameters: Parameters
}

export type Member = Item | InnerList

export type Dictionary = ReadonlyMap<string, Member>

/** The bytes that a member is; `undefined` where it is none, or something else. */
export function bytesOf(member: Member | undefined): Uint8Array | undefined {
  return member?.kind === 'item' && member.item.kind === 'bytes' ? member.item.value : undefined
}

/** A field whose value is an item; `undefined` where it is none. */
export function parseItem(text: string): Item | undefined {
  return parsed(text, itemAt)
}

/** A field whose value is a list; `undefined` where it is none. */
export function parseList(text: string): readonly Member[] | undefined {
  return parsed(text, (cursor) => {
    const members: Member[] = []
    while (!isAtEnd(cursor)) {
      members.push(memberAt(cursor))
      need(cursor, NEXT_MEMBER)
    }
    return members
  })
}

/** A field whose value is a dictionary; `undefined` where it is none. Of two members of one name the last counts. */
export function parseDictionary(text: string): Dictionary | undefined {
  return parsed(text, (cursor) => {
    const members = new Map<string, Member>()
    while (!isAtEnd(cursor)) {
      const key = need(cursor, KEY)
      members.set(key, take(cursor, EQUALS) ? memberAt(cursor) : withParameters(cursor, TRUE))
      need(cursor, NEXT_MEMBER)
    }
    return members
  })
}

/** Over the comma between two members (§4.2.1 and §4.2.2), or to the end: not over a comma that nothing follows. */
const NEXT_MEMBER = /[ \t]*(?:$|,[ \t]*(?!$))/y
const SPACES = / */y
const EQUALS = /=/y
const SEMICOLON = /; */y
const OPEN = /\(/y
const CLOSE = /\)/y
const BETWEEN_ITEMS = / +|(?=\))/y
const KEY = /[a-z*][a-z0-9_.*-]*/y
const TRUE: BareItem = { kind: 'boolean', value: true }

/** A place in a text, which only moves forwards. */
interface Cursor {
  readonly text: string
  at: number
}

function isAtEnd({ text, at }: Cursor): boolean {
  return at === text.length
}

/** What a sticky expression matches here, which is then behind the cursor; `undefined` where it does not. */
function take(cursor: Cursor, expression: RegExp): string | undefined {
  expression.lastIndex = cursor.at
  const found = expression.exec(cursor.text)?.[0]
  cursor.at += found?.length ?? 0
  return found
}

function need(cursor: Cursor, expression: RegExp): string {
  return take(cursor, expression) ?? fail()
}

/** Caught inside this file: a parser of eight rules that each hand failure up would be twice as long. */
function fail(): never {
  throw new SyntaxError()
}

function parsed<Value>(text: string, read: (cursor: Cursor) => Value): Value | undefined {
  const cursor = { text, at: 0 }
  try {
    take(cursor, SPACES)
    const value = read(cursor)
    take(cursor, SPACES)
    return isAtEnd(cursor) ? value : undefined
  } catch (error) {
    // The second is of `decodeURIComponent`.
    if (error instanceof SyntaxError || error instanceof URIError) return undefined
    throw error
  }
}

function memberAt(cursor: Cursor): Member {
  if (take(cursor, OPEN) === undefined) return itemAt(cursor)
  const items: Item[] = []
  take(cursor, SPACES)
  while (take(cursor, CLOSE) === undefined) {
    items.push(itemAt(cursor))
    need(cursor, BETWEEN_ITEMS)
  }
  return { kind: 'inner-list', items, parameters: parametersAt(cursor) }
}

function itemAt(cursor: Cursor): Item {
  return withParameters(cursor, bareItemAt(cursor))
}

function withParameters(cursor: Cursor, item: BareItem): Item {
  return { kind: 'item', item, parameters: parametersAt(cursor) }
}

function parametersAt(cursor: Cursor): Parameters {
  const parameters = new Map<string, BareItem>()
  while (take(cursor, SEMICOLON)) {
    const key = need(cursor, KEY)
    parameters.set(key, take(cursor, EQUALS) ? bareItemAt(cursor) : TRUE)
  }
  return parameters
}

/** A kind of value, how it is written, and what that stands for: `undefined` where it is none after all. */
type Form = {
  readonly [Kind in BareItem['kind']]: readonly [
    kind: Kind,
    written: RegExp,
    read: (text: string) => Extract<BareItem, { kind: Kind }>['value'] | undefined,
  ]
}[BareItem['kind']]

/** Behind what they match only a separator may follow, so that none of them takes a part of something longer. */
const FORMS: readonly Form[] = [
  // What is left of JSON's strings: printable ASCII, and two escapes.
  ['string', /"(?:[ !#-[\]-~]|\\["\\])*"/y, (text) => JSON.parse(text) as string],
  ['bytes', /:[A-Za-z0-9+/=]*:/y, readBytes],
  // §4.2.4: 15 digits, or 12 and a fraction of 3.
  ['integer', /-?\d{1,15}(?![\d.])/y, Number],
  ['decimal', /-?\d{1,12}\.\d{1,3}/y, Number],
  ['token', /[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*/y, String],
  ['boolean', /\?[01]/y, (text) => text === '?1'],
  ['date', /@-?\d{1,15}/y, (text) => Number(text.slice(1))],
  // §4.2.10: percent signs before lower-case hex, and UTF-8 under them.
  ['display', /%"(?:[ !#$&-~]|%[0-9a-f]{2})*"/y, (text) => decodeURIComponent(text.slice(2, -1))],
]

function bareItemAt(cursor: Cursor): BareItem {
  for (const [kind, written, read] of FORMS) {
    const text = take(cursor, written)
    if (text !== undefined) return { kind, value: read(text) ?? fail() } as BareItem
  }
  return fail()
}

/**
 * §4.2.7 lets a parser take base64 without its padding, or with bits that are not zero; here as everywhere, one value
 * has one spelling.
 */
function readBytes(text: string): Uint8Array | undefined {
  return text === '::' ? new Uint8Array() : decodeStrictly(text.slice(1, -1), 'base64')
}
