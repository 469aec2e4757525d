import { encode } from './encoding.ts'
import type { BareItem, Dictionary, InnerList, Item, Member, Parameters } from './structured-field.ts'

/**
 * Structured fields written as RFC 9651 §4.1 says: the one text that a value has. What was parsed can be written; of what
 * a caller has made up, whatever has no text is `undefined`.
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
  if (item.kind === 'integer' || item.kind === 'date') return writeInteger(item)
  if (item.kind === 'string') return writeString(item.value)
  if (item.kind === 'token') return TOKEN.test(item.value) ? item.value : undefined
  if (item.kind === 'bytes') return `:${encode(item.value, 'base64')}:`
  if (item.kind === 'boolean') return item.value ? '?1' : '?0'
  return writeDisplayString(item.value)
}

const TOKEN = /^[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*$/

function writeString(value: string): string | undefined {
  return /^[\x20-\x7e]*$/.test(value) ? `"${value.replaceAll(/["\\]/g, '\\$&')}"` : undefined
}

function writeInteger({
  kind,
  value,
}: {
  readonly kind: string
  readonly value: number
}): string | undefined {
  if (!Number.isInteger(value) || Math.abs(value) > LARGEST_INTEGER) return undefined
  return `${kind === 'date' ? '@' : ''}${value}`
}

/** §4.1.5: three digits of fraction at most, and of two values equally near the even one. */
function writeDecimal(value: number): string | undefined {
  const thousandths = roundedToEven(value * 1000)
  if (!Number.isFinite(value) || Math.abs(thousandths) >= 1e15) return undefined
  return (thousandths / 1000).toFixed(3).replace(/0{1,2}$/, '')
}

function roundedToEven(value: number): number {
  const down = Math.floor(value)
  if (value - down !== 0.5) return Math.round(value)
  return down % 2 === 0 ? down : down + 1
}

function writeDisplayString(value: string): string | undefined {
  if (/\p{Surrogate}/u.test(value)) return undefined
  const escaped = Array.from(Buffer.from(value), (byte) =>
    byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x25
      ? `%${byte.toString(16).padStart(2, '0')}`
      : String.fromCharCode(byte),
  )
  return `%"${escaped.join('')}"`
}

function together(left: string | undefined, right: string | undefined): string | undefined {
  return left === undefined || right === undefined ? undefined : left + right
}

function all<Value>(values: readonly (Value | undefined)[]): readonly Value[] | undefined {
  return values.every((value): value is Value => value !== undefined) ? values : undefined
}
