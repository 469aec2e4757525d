import { decodeStrictly, type Encoding } from './encoding.ts'
import type { Reason } from './reason.ts'
import { readPlace, type Fields, type Readable } from './place.ts'
import { DOUBLED } from './request.ts'
import type { SignatureRule } from './scheme.ts'

/** More entries than any provider sends during a rotation; beyond it a sender is spending our time. */
const MAX_ENTRIES = 16
export const MAX_HEADER_LENGTH = 4096

/** What the places of a request's signatures hold. */
export type ReadSignatures =
  | { readonly ok: true; readonly signatures: readonly string[]; readonly fields: Fields | undefined }
  | { readonly ok: false; readonly reason: Reason }

/** Reads every signature that a request offers under a rule, as it is written: whether it is one shows when it is compared. */
export function readSignatures(from: Readable, rule: SignatureRule): ReadSignatures {
  const signatures: string[] = []
  const fields = rule.pairSeparator === undefined ? undefined : new Map<string, string | typeof DOUBLED>()
  let reason: Reason = 'missing_header'
  for (const place of rule.in) {
    const text = readPlace(place, from)
    if (text === undefined) continue
    if (text === DOUBLED) return { ok: false, reason: 'duplicate_header' }
    reason = 'malformed_header'
    if (!takeEntries(text, rule, signatures, fields)) return { ok: false, reason }
  }
  return signatures.length > 0 ? { ok: true, signatures, fields } : { ok: false, reason }
}

/** A signature's bytes; `undefined` where it is not strictly encoded, or has fewer or more of them than it can. */
export function decodeSignature(
  written: string,
  encoding: Encoding,
  shortest: number,
  longest: number = shortest,
): Uint8Array | undefined {
  const bytes = decodeStrictly(written, encoding)
  return bytes && bytes.length >= shortest && bytes.length <= longest ? bytes : undefined
}

/** Writes a signature header the way the provider does. */
export function writeSignature(
  encoded: string,
  rule: SignatureRule,
  fields: ReadonlyMap<string, string>,
): string {
  const signature = (rule.prefix ?? '') + encoded
  if (rule.pairSeparator === undefined) return signature
  const pairs = [...fields, [rule.field ?? '', signature] as const]
  return pairs.map(([name, value]) => name + rule.pairSeparator + value).join(rule.separator ?? ',')
}

/**
 * Takes what the entries of a header are; `false` where it is too long, has too many, something in it that is no ASCII, or
 * something among its pairs that is none. White space around entries, and entries that are empty, mean nothing
 * (RFC 9110 §5.6.1).
 */
function takeEntries(
  text: string,
  rule: SignatureRule,
  signatures: string[],
  fields: Map<string, string | typeof DOUBLED> | undefined,
): boolean {
  if (text.length > MAX_HEADER_LENGTH) return false
  const { separator, pairSeparator = '' } = rule
  if (separator === undefined) {
    takeEntry(text, rule, signatures, fields)
    return true
  }
  if (!PRINTABLE.test(text)) return false
  let count = 0
  // Cut by hand: `split`, `map` and `every` cost a quarter of the whole check.
  for (let start = 0; start <= text.length;) {
    const found = text.indexOf(separator, start)
    const end = found < 0 ? text.length : found
    const entry = text.slice(start, end).trim()
    count += 1
    if (count > MAX_ENTRIES || (entry !== '' && !entry.includes(pairSeparator))) return false
    takeEntry(entry, rule, signatures, fields)
    start = end + separator.length
  }
  return true
}

/** `trim` would take the line breaks and spaces of all Unicode. */
const PRINTABLE = /^[\t -~]*$/

/** An entry's signature, or its field. */
function takeEntry(
  entry: string,
  rule: SignatureRule,
  signatures: string[],
  fields: Map<string, string | typeof DOUBLED> | undefined,
): void {
  let text = entry
  if (rule.pairSeparator !== undefined) {
    const at = entry.indexOf(rule.pairSeparator)
    const name = entry.slice(0, Math.max(0, at))
    text = entry.slice(at + 1)
    if (name !== rule.field) {
      fields?.set(name, fields.has(name) ? DOUBLED : text)
      return
    }
  }
  const prefix = rule.prefix ?? ''
  if (text.startsWith(prefix)) signatures.push(text.slice(prefix.length))
}
