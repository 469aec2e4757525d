import { encode } from './encoding.ts'
import type { BareItem, InnerList, Item, Member, Parameters } from './structured-field.ts'

/**
 * Structured fields that were parsed, written as RFC 9651 §4.1 says: the one text that a value has. What a caller has made up
 * may have none: `made-up-field-text.ts`.
 *
 * @module
 */

/** A list, or an item, or one member of either. */
export function writeMember(member: Member): string {
  return member.kind === 'inner-list' ? writeInnerList(member) : writeItem(member)
}

export function writeItem({ item, parameters }: Item): string {
  return writeBareItem(item) + writeParameters(parameters)
}

function writeInnerList({ items, parameters }: InnerList): string {
  return `(${items.map(writeItem).join(' ')})${writeParameters(parameters)}`
}

export function writeParameters(parameters: Parameters): string {
  return Array.from(
    parameters,
    ([key, item]) => `;${key}${item.value === true ? '' : `=${writeBareItem(item)}`}`,
  ).join('')
}

export function writeBareItem({ kind, value }: BareItem): string {
  if (kind === 'string') return JSON.stringify(value)
  if (kind === 'bytes') return `:${encode(value, 'base64')}:`
  if (kind === 'boolean') return `?${Number(value)}`
  if (kind === 'date') return `@${value}`
  if (kind === 'display') return `%"${value.replaceAll(/[^ !#$&-~]/gu, percentEncoded)}"`
  // With three digits of fraction at most and twelve before it, a number is written as it was.
  return kind === 'decimal' && Number.isInteger(value) ? `${value}.0` : String(value)
}

function percentEncoded(character: string): string {
  return encodeURIComponent(character).toLowerCase()
}
