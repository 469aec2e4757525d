import { SIGNATURE_BYTES, type Algorithm } from './crypto.ts'
import { decodeStrictly } from './encoding.ts'
import type { Reason } from './reason.ts'
import { headerValues, type HeaderList } from './request.ts'
import type { SignatureRule } from './scheme.ts'

/** More entries than any provider sends during a rotation; beyond it a sender is spending our time. */
const MAX_ENTRIES = 16
const MAX_HEADER_LENGTH = 4096

/** What a request's signature headers hold. */
export type ReadSignatures =
  | {
      readonly ok: true
      readonly signatures: readonly Uint8Array[]
      readonly fields: ReadonlyMap<string, string>
    }
  | { readonly ok: false; readonly reason: Reason }

/** Reads every signature that a request offers under a rule, strictly decoded and of the algorithm's length. */
export function readSignatures(
  headers: HeaderList,
  rule: SignatureRule,
  algorithm: Algorithm,
): ReadSignatures {
  const signatures: Uint8Array[] = []
  const fields = new Map<string, string>()
  let worst: Reason = 'missing_header'
  for (const { header } of rule.in) {
    const values = headerValues(headers, header)
    if (values.length > 1) return { ok: false, reason: 'duplicate_header' }
    const text = values[0]
    if (text === undefined) continue
    const entries = splitEntries(text, rule)
    if (entries === undefined) return { ok: false, reason: 'malformed_header' }
    for (const entry of entries) {
      const read = readEntry(entry, rule, fields)
      if (read === 'doubled') return { ok: false, reason: 'duplicate_header' }
      worst = read.isSignature ? 'bad_encoding' : 'malformed_header'
      const bytes = read.isSignature ? decodeStrictly(read.text, rule.encoding) : undefined
      if (bytes?.byteLength === SIGNATURE_BYTES[algorithm]) signatures.push(bytes)
    }
  }
  return signatures.length > 0 ? { ok: true, signatures, fields } : { ok: false, reason: worst }
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

function splitEntries(text: string, rule: SignatureRule): string[] | undefined {
  if (text.length > MAX_HEADER_LENGTH) return undefined
  if (rule.separator === undefined) return [text]
  const entries = text.split(rule.separator).map((entry) => entry.trim())
  return entries.length > MAX_ENTRIES ? undefined : entries
}

/** A signature's text, or another field, which is put aside. A field that comes twice leaves open which one was signed. */
function readEntry(
  entry: string,
  rule: SignatureRule,
  fields: Map<string, string>,
): 'doubled' | { readonly isSignature: boolean; readonly text: string } {
  let text = entry
  if (rule.pairSeparator !== undefined) {
    const at = entry.indexOf(rule.pairSeparator)
    const name = at < 0 ? '' : entry.slice(0, at)
    text = entry.slice(at + 1)
    if (name !== rule.field) {
      if (fields.has(name)) return 'doubled'
      fields.set(name, text)
      return { isSignature: false, text }
    }
  }
  const prefix = rule.prefix ?? ''
  return { isSignature: text.startsWith(prefix), text: text.slice(prefix.length) }
}
