import { crc32Text } from './certificate.ts'
import { memberNames } from './json-names.ts'
import { parseJson, readPath, readPlace, type Readable } from './place.ts'
import { DOUBLED } from './request.ts'
import type { CertificateScheme, CertifiedPart, Place } from './scheme.ts'

/** What the parts are read from. */
export interface CertifiedTexts {
  readonly from: Readable
  readonly timestamp: string
  /** What the source is configured with. */
  readonly configured: string
  readonly body: Uint8Array
}

/** What a certified key has signed; `undefined` where a part of it is absent, or not in a form that can be signed. */
export function certifiedContent(
  parts: readonly CertifiedPart[],
  texts: CertifiedTexts,
): readonly string[] | undefined {
  const content = parts.map((part) => partOf(part, texts))
  return content.every((part) => part !== undefined) ? content : undefined
}

function partOf(
  part: CertifiedPart,
  { from, timestamp, configured, body }: CertifiedTexts,
): string | undefined {
  if (part === 'timestamp') return timestamp
  if (part === 'configured') return configured
  if (part === 'crc32') return crc32Text(body)
  if ('literal' in part) return part.literal
  if ('lines' in part) return linesOf(part.lines, from.json())
  const text = readPlace(part, from)
  return text === DOUBLED ? undefined : text
}

/** A line break in any value but the first could be the end of that value as well: `undefined` where there is one. */
function linesOf(names: readonly string[], body: unknown): string | undefined {
  const lines: string[] = []
  for (const [index, name] of names.entries()) {
    const value = readPath(body, [name])
    if (value === undefined) continue
    if (typeof value !== 'string' || (index > 0 && /[\r\n]/.test(value))) return undefined
    lines.push(`${name}\n${value}\n`)
  }
  return lines.join('')
}

/** What the content covers. Members are covered only by lines: a CRC covers nothing that somebody wants to change. */
export function coveredPlaces({ content, timestamp }: CertificateScheme): readonly Place[] {
  return content.flatMap((part): readonly Place[] => {
    if (part === 'timestamp') return [timestamp.in]
    if (typeof part !== 'object' || 'literal' in part) return []
    return 'lines' in part ? part.lines.map((name) => ({ json: [name] })) : [part]
  })
}

/**
 * What is signed of a body are values: a copy with another value of the same name before it would verify, and whoever reads
 * the bytes may take that one. To be looked for last, since it reads the whole body again.
 */
export function hasDoubledMember(parts: readonly CertifiedPart[], body: Uint8Array): boolean {
  const signed = parts.flatMap((part) => (typeof part === 'object' && 'lines' in part ? part.lines : []))
  if (signed.length === 0 || parseJson(body) === undefined) return false
  const names = memberNames(Buffer.from(body).toString()).filter((name) => signed.includes(name))
  return new Set(names).size < names.length
}
