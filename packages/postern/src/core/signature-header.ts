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
    const entries = splitEntries(text, rule)
    if (entries === undefined) return { ok: false, reason: 'malformed_header' }
    for (const entry of entries) {
      const encoded = signatureOf(entry, rule, fields)
      if (encoded !== undefined) signatures.push(encoded)
      else reason = 'malformed_header'
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

/** A signature's bytes; `undefined` where it is not strictly encoded, or not as long as those of the algorithm are. */
export function decodeSignature(
  written: string,
  { algorithm, signature }: Pick<SignatureScheme, 'algorithm' | 'signature'>,
): Uint8Array | undefined {
  const bytes = decodeStrictly(written, signature.encoding)
  return bytes !== undefined && isLengthOf(algorithm, bytes.byteLength) ? bytes : undefined
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
  if (UNPRINTABLE.test(text)) return undefined
  const { separator, pairSeparator = '' } = rule
  const entries: string[] = []
  // Cut by hand: `split`, `map` and `every` cost a quarter of the whole check.
  for (let start = 0; start <= text.length;) {
    const found = text.indexOf(separator, start)
    const end = found < 0 ? text.length : found
    const entry = text.slice(start, end).trim()
    if (entry !== '' && !entry.includes(pairSeparator)) return undefined
    if (entries.push(entry) > MAX_ENTRIES) return undefined
    start = end + separator.length
  }
  return entries
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
