import type { BareItem, Dictionary, InnerList, Item, Member, Parameters } from './structured-field.ts'
import { writeBareItem as textOf } from './structured-field-text.ts'

/**
 * Structured fields that a caller has made up, written as RFC 9651 §4.1 says; `undefined` for what has no text.
 *
 * @module
 */

/** A list, or an item, or one member of either. */
export function writeMember(member: Member): string | undefined {
  return member.kind === 'inner-list' ? writeInnerList(member) : writeItem(member)
}

export function writeItem({ item, parameters }: Item): string | undefined {
  return together(writeBareItem(item), writeParameters(parameters))
}

export function writeInnerList({ items, parameters }: InnerList): string | undefined {
  const inside = all(items.map(writeItem))
  return inside && together(`(${inside.join(' ')})`, writeParameters(parameters))
}

export function writeList(members: readonly Member[]): string | undefined {
  return all(members.map(writeMember))?.join(', ')
}

export function writeDictionary(members: Dictionary): string | undefined {
  return all([...members].map(([key, member]) => writeEntry(key, member)))?.join(', ')
}

function writeEntry(key: string, member: Member): string | undefined {
  if (!KEY.test(key)) return undefined
  const isTrue = member.kind === 'item' && member.item.kind === 'boolean' && member.item.value
  const value = isTrue ? writeParameters(member.parameters) : writeMember(member)
  return value === undefined ? undefined : `${key}${isTrue ? '' : '='}${value}`
}

function writeParameters(parameters: Parameters): string | undefined {
  const written = all(
    [...parameters].map(([key, value]) => {
      const text = value.kind === 'boolean' && value.value ? '' : writeAfterEquals(value)
      return KEY.test(key) && text !== undefined ? `;${key}${text}` : undefined
    }),
  )
  return written?.join('')
}

function writeAfterEquals(value: BareItem): string | undefined {
  const text = writeBareItem(value)
  return text === undefined ? undefined : `=${text}`
}

const KEY = /^[a-z*][a-z0-9_.*-]*$/
const LARGEST_INTEGER = 999_999_999_999_999

function writeBareItem(item: BareItem): string | undefined {
  if (item.kind === 'decimal') return writeDecimal(item.value)
  return isWritable(item) ? textOf(item) : undefined
}

const TOKEN = /^[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*$/

function isWritable({ kind, value }: BareItem): boolean {
  if (kind === 'integer' || kind === 'date') {
    return Number.isInteger(value) && Math.abs(value) <= LARGEST_INTEGER
  }
  if (kind === 'string') return /^[\x20-\x7e]*$/.test(value)
  if (kind === 'token') return TOKEN.test(value)
  return kind !== 'display' || !/\p{Surrogate}/u.test(value)
}

/** §4.1.5: three digits of fraction at most, and of two values equally near the even one. */
function writeDecimal(value: number): string | undefined {
  const thousandths = roundedToEven(value * 1000)
  if (!Number.isFinite(value) || Math.abs(thousandths) >= 1e15) return undefined
  return textOf({ kind: 'decimal', value: thousandths / 1000 })
}

function roundedToEven(value: number): number {
  const down = Math.floor(value)
  if (value - down !== 0.5) return Math.round(value)
  return down % 2 === 0 ? down : down + 1
}

function together(left: string | undefined, right: string | undefined): string | undefined {
  return left === undefined || right === undefined ? undefined : left + right
}

function all<Value>(values: readonly (Value | undefined)[]): readonly Value[] | undefined {
  return values.every((value): value is Value => value !== undefined) ? values : undefined
}
