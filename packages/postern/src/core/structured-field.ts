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

/** A field whose value is an item; `undefined` where it is none. */
export function parseItem(text: string): Item | undefined {
  return parsed(text, (cursor) => itemAt(cursor))
}

/** A field whose value is a list; `undefined` where it is none. */
export function parseList(text: string): readonly Member[] | undefined {
  return parsed(text, (cursor) => {
    const members: Member[] = []
    while (!cursor.isAtEnd()) {
      members.push(memberAt(cursor))
      cursor.nextMember()
    }
    return members
  })
}

/** A field whose value is a dictionary; `undefined` where it is none. Of two members of one name the last counts. */
export function parseDictionary(text: string): Dictionary | undefined {
  return parsed(text, (cursor) => {
    const members = new Map<string, Member>()
    while (!cursor.isAtEnd()) {
      const key = keyAt(cursor)
      members.set(key, cursor.take('=') ? memberAt(cursor) : { ...TRUE, parameters: parametersAt(cursor) })
      cursor.nextMember()
    }
    return members
  })
}

const TRUE: Item = { kind: 'item', item: { kind: 'boolean', value: true }, parameters: new Map() }

/** Thrown and caught inside this file: a parser of eight rules that each hand failure up would be twice as long. */
class NotOfThisForm extends Error {}

function fail(): never {
  throw new NotOfThisForm()
}

function parsed<Value>(text: string, read: (cursor: Cursor) => Value): Value | undefined {
  try {
    const cursor = new Cursor(text)
    cursor.skip(' ')
    const value = read(cursor)
    cursor.skip(' ')
    return cursor.isAtEnd() ? value : undefined
  } catch (error) {
    if (error instanceof NotOfThisForm) return undefined
    throw error
  }
}

/** A place in a text, which only moves forwards. */
class Cursor {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  isAtEnd(): boolean {
    return this.#at === this.#text.length
  }

  peek(): string {
    return this.#text.charAt(this.#at)
  }

  take(character: string): boolean {
    if (this.peek() !== character) return false
    this.#at += 1
    return true
  }

  expect(character: string): void {
    if (!this.take(character)) fail()
  }

  skip(characters: string): void {
    while (!this.isAtEnd() && characters.includes(this.peek())) this.#at += 1
  }

  /** What a sticky expression matches here; it may be nothing where the expression may. */
  match(expression: RegExp): string {
    expression.lastIndex = this.#at
    const found = expression.exec(this.#text)?.[0] ?? fail()
    this.#at += found.length
    return found
  }

  /** Over the comma between two members (§4.2.1 and §4.2.2); a comma that nothing follows is a failure. */
  nextMember(): void {
    this.skip(' \t')
    if (this.isAtEnd()) return
    this.expect(',')
    this.skip(' \t')
    if (this.isAtEnd()) fail()
  }
}

function memberAt(cursor: Cursor): Member {
  return cursor.peek() === '(' ? innerListAt(cursor) : itemAt(cursor)
}

function innerListAt(cursor: Cursor): InnerList {
  cursor.expect('(')
  const items: Item[] = []
  for (;;) {
    cursor.skip(' ')
    if (cursor.take(')')) return { kind: 'inner-list', items, parameters: parametersAt(cursor) }
    items.push(itemAt(cursor))
    if (cursor.peek() !== ' ' && cursor.peek() !== ')') fail()
  }
}

function itemAt(cursor: Cursor): Item {
  const item = bareItemAt(cursor)
  return { kind: 'item', item, parameters: parametersAt(cursor) }
}

function parametersAt(cursor: Cursor): Parameters {
  const parameters = new Map<string, BareItem>()
  while (cursor.take(';')) {
    cursor.skip(' ')
    const key = keyAt(cursor)
    parameters.set(key, cursor.take('=') ? bareItemAt(cursor) : TRUE.item)
  }
  return parameters
}

function keyAt(cursor: Cursor): string {
  return cursor.match(/[a-z*][a-z0-9_.*-]*/y)
}

function bareItemAt(cursor: Cursor): BareItem {
  const first = cursor.peek()
  if (first === '"') return { kind: 'string', value: stringAt(cursor) }
  if (first === ':') return { kind: 'bytes', value: bytesAt(cursor) }
  if (first === '?') return { kind: 'boolean', value: cursor.match(/\?[01]/y) === '?1' }
  if (first === '@') return { kind: 'date', value: dateAt(cursor) }
  if (first === '%') return { kind: 'display', value: displayStringAt(cursor) }
  if (/[-0-9]/.test(first)) return numberAt(cursor)
  return { kind: 'token', value: cursor.match(/[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*/y) }
}

/** §4.2.4: 15 digits, or 12 and a fraction of 3. */
function numberAt(cursor: Cursor): BareItem {
  const text = cursor.match(/-?[0-9]+(?:\.[0-9]*)?/y)
  if (/^-?[0-9]{1,15}$/.test(text)) return { kind: 'integer', value: Number(text) }
  return /^-?[0-9]{1,12}\.[0-9]{1,3}$/.test(text) ? { kind: 'decimal', value: Number(text) } : fail()
}

function dateAt(cursor: Cursor): number {
  cursor.expect('@')
  const number = numberAt(cursor)
  return number.kind === 'integer' ? number.value : fail()
}

function stringAt(cursor: Cursor): string {
  const quoted = cursor.match(/"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y)
  return quoted.slice(1, -1).replaceAll(/\\(.)/g, '$1')
}

/**
 * §4.2.7 lets a parser take base64 without its padding, or with bits that are not zero; here as everywhere, one value
 * has one spelling.
 */
function bytesAt(cursor: Cursor): Uint8Array {
  const text = cursor.match(/:[A-Za-z0-9+/=]*:/y).slice(1, -1)
  return text === '' ? new Uint8Array() : (decodeStrictly(text, 'base64') ?? fail())
}

/** §4.2.10: percent signs before lower-case hex, and UTF-8 under them. */
function displayStringAt(cursor: Cursor): string {
  const quoted = cursor.match(/%"(?:[\x20-\x21\x23-\x24\x26-\x7e]|%[0-9a-f]{2})*"/y)
  try {
    return decodeURIComponent(quoted.slice(2, -1))
  } catch {
    return fail()
  }
}
