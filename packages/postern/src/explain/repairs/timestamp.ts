import type { Place, SignatureScheme, WebhookRequest } from '../../core/index.ts'
import { readable, readPlace } from '../../core/place.ts'
import { readSignatures } from '../../core/signature-header.ts'
import { formatTimestamp, parseTimestamp } from '../../core/timestamp.ts'
import { isSigning, signatureHeaders, valuesOf, withHeader, type Repair } from '../subject.ts'

export const UNITS = ['seconds', 'milliseconds', 'rfc3339'] as const
type Unit = (typeof UNITS)[number]

/** A time in another unit or form than the scheme's: sent so, or only signed so. */
export const otherTime: Repair = function* ({ scheme, request }) {
  if (!isSigning(scheme) || scheme.timestamp === undefined) return
  const { unit } = scheme.timestamp
  const text = timeText(scheme, request)
  if (text === undefined) return
  const found = unitOf(text)
  yield {
    cause: found === undefined || found === unit ? 'timestamp_form' : 'timestamp_unit',
    undoing: `once the time is signed as it was sent, in ${found === undefined ? 'a form of its own' : UNIT_TEXT[found]}: the scheme sends ${UNIT_TEXT[unit]}`,
    scheme: withTimeAsText(scheme, scheme.timestamp.in),
  }
  const epochMs = found === undefined ? undefined : parseTimestamp(text, found)
  if (epochMs === undefined) return
  for (const other of UNITS) {
    for (const written of spellings(epochMs, other)) {
      if (written === text) continue
      const variant = withTime(scheme, request, written)
      if (variant === undefined) continue
      yield {
        cause: 'timestamp_unit',
        undoing: `over the time in ${UNIT_TEXT[other]}: it was sent in ${UNIT_TEXT[found ?? unit]}`,
        request: variant,
        scheme: withTimeAsText(scheme, scheme.timestamp.in),
      }
    }
  }
}

export const UNIT_TEXT: Readonly<Record<Unit, string>> = {
  seconds: 'seconds',
  milliseconds: 'milliseconds',
  rfc3339: 'the form of RFC 3339 (ISO 8601)',
}

/** The time of a request as it stands there. */
export function timeText(scheme: SignatureScheme, request: WebhookRequest): string | undefined {
  if (scheme.timestamp === undefined) return undefined
  const whole = readable(request)
  const read = readSignatures(whole, scheme.signature)
  const found = readPlace(scheme.timestamp.in, { ...whole, fields: read.ok ? read.fields : undefined })
  return typeof found === 'string' && found.length <= 64 ? found : undefined
}

/** The unit that a time is most likely in; `undefined` for what is none. */
export function unitOf(text: string): Unit | undefined {
  if (parseTimestamp(text, 'rfc3339') !== undefined) return 'rfc3339'
  if (!/^\d{9,15}$/.test(text)) return undefined
  // Eleven digits of seconds are the year 5138; of milliseconds, 1973.
  return text.length <= 11 ? 'seconds' : 'milliseconds'
}

function spellings(epochMs: number, unit: Unit): readonly string[] {
  const written = formatTimestamp(epochMs, unit)
  return unit === 'rfc3339' ? [written, written.replace(/\.\d+Z$/, 'Z')] : [written]
}

/** The scheme with the time as any other text that is signed, whatever its form. */
function withTimeAsText(scheme: SignatureScheme, place: Place): SignatureScheme {
  const { timestamp: _, ...timeless } = scheme
  return { ...timeless, content: scheme.content.map((part) => (part === 'timestamp' ? place : part)) }
}

function withTime(
  scheme: SignatureScheme,
  request: WebhookRequest,
  text: string,
): WebhookRequest | undefined {
  const place = scheme.timestamp?.in
  if (place === undefined) return undefined
  if ('header' in place) return withHeader(request, place.header, text)
  if (!('field' in place)) return undefined
  const { pairSeparator = '=', separator = ',' } = scheme.signature
  const [header = ''] = signatureHeaders(scheme)
  const value = valuesOf(request, header)[0]
  if (value === undefined) return undefined
  const start = place.field + pairSeparator
  const entries = value
    .split(separator)
    .map((entry) => (entry.trim().startsWith(start) ? start + text : entry))
  return withHeader(request, header, entries.join(separator))
}
