import { isHmac, SIGNATURE_BYTES } from './crypto.ts'
import { decodeStrictly } from './encoding.ts'
import type { Reason } from './reason.ts'
import { readPlace, type Fields, type Readable } from './place.ts'
import { DOUBLED } from './request.ts'
import type { OtherAlgorithm, SignatureRule, SignatureScheme } from './scheme.ts'

/** More entries than any provider sends during a rotation; beyond it a sender is spending our time. */
const MAX_ENTRIES = 16
export const MAX_HEADER_LENGTH = 4096

/** What the places of a request's signatures hold. */
export type ReadSignatures =
  | { readonly ok: true; readonly signatures: readonly Uint8Array[]; readonly fields: Fields | undefined }
  | { readonly ok: false; readonly reason: Reason }

/** Reads every signature that a request offers under a rule, strictly decoded and of the algorithm's length. */
export function readSignatures(
  from: Readable,
  rule: SignatureRule,
  algorithm: SignatureScheme['algorithm'],
): ReadSignatures {
  const signatures: Uint8Array[] = []
  const fields = rule.pairSeparator === undefined ? undefined : new Map<string, string | typeof DOUBLED>()
  // That of the entry that got furthest.
  let reason: Reason = 'missing_header'
  for (const place of rule.in) {
    const text = readPlace(place, from)
    if (text === undefined) continue
    if (text === DOUBLED) return { ok: false, reason: 'duplicate_header' }
    const entries = splitEntries(text, rule)
    if (entries === undefined) return { ok: false, reason: 'malformed_header' }
    for (const entry of entries) {
      const encoded = signatureOf(entry, rule, fields)
      const bytes = encoded === undefined ? undefined : decodeStrictly(encoded, rule.encoding)
      if (bytes !== undefined && isLengthOf(algorithm, bytes.byteLength)) signatures.push(bytes)
      else if (encoded !== undefined) reason = 'bad_encoding'
      else if (reason === 'missing_header') reason = 'malformed_header'
    }
  }
  return signatures.length > 0 ? { ok: true, signatures, fields } : { ok: false, reason }
}

/** The shortest and the longest signature in bytes: DER has no leading zeros, and RSA keys are of 2048 bits to 16384. */
const OTHER_LENGTHS: Readonly<Record<OtherAlgorithm, readonly [number, number]>> = {
  sha256: [32, 32],
  ed25519: [64, 64],
  'ecdsa-p256-sha256': [8, 72],
  'rsa-sha256': [256, 2048],
}

function isLengthOf(algorithm: SignatureScheme['algorithm'], bytes: number): boolean {
  if (isHmac(algorithm)) return bytes === SIGNATURE_BYTES[algorithm]
  const [shortest, longest] = OTHER_LENGTHS[algorithm]
  return bytes >= shortest && bytes <= longest
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
 * The entries of a header; `undefined` where it is too long, has too many, something in it that is no ASCII, or something
 * among its pairs that is none. White space around entries, and entries that are empty, mean nothing (RFC 9110 §5.6.1).
 */
function splitEntries(text: string, rule: SignatureRule): readonly string[] | undefined {
  if (text.length > MAX_HEADER_LENGTH) return undefined
  if (rule.separator === undefined) return [text]
  const entries = text.split(rule.separator).map((entry) => entry.trim())
  const isPaired = entries.every((entry) => entry === '' || entry.includes(rule.pairSeparator ?? ''))
  return isPaired && entries.length <= MAX_ENTRIES && !UNPRINTABLE.test(text) ? entries : undefined
}

/** `trim` would take the line breaks and spaces of all Unicode. */
const UNPRINTABLE = /[^\t -~]/

/** An entry's signature as text; `undefined` where it is none, and then its field is put aside. */
function signatureOf(
  entry: string,
  rule: SignatureRule,
  fields: Map<string, string | typeof DOUBLED> | undefined,
): string | undefined {
  let text = entry
  if (rule.pairSeparator !== undefined) {
    const at = entry.indexOf(rule.pairSeparator)
    const name = entry.slice(0, Math.max(0, at))
    text = entry.slice(at + 1)
    if (name !== rule.field) {
      fields?.set(name, fields.has(name) ? DOUBLED : text)
      return undefined
    }
  }
  const prefix = rule.prefix ?? ''
  return text.startsWith(prefix) ? text.slice(prefix.length) : undefined
}
