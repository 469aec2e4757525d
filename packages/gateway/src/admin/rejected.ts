import { REASONS, REJECTED_LOG_ROWS, type KeptRequest, type RejectedLog } from 'postern'
import type { AdminAnswer } from './admin-answer.ts'

const DEFAULT_LIMIT = 100
const LARGEST_LIMIT = 1000

/** All bodies of one answer together: a thousand of a megabyte each would be more than the process has. */
const MAX_BODY_BYTES = 8 * 1024 * 1024

/** What the log holds at most. A filter looks through all of it: junk in front hides nothing. */
const WHOLE_LOG = Object.values(REJECTED_LOG_ROWS).reduce((sum, rows) => sum + rows, 0)

/**
 * The requests that were refused, newest first, as they were kept: without secrets, and of one that was not authentic perhaps
 * only the beginning. In the form that `postern explain` reads.
 */
export async function listRejected(
  parameters: URLSearchParams,
  log: Pick<RejectedLog, 'recent'>,
): Promise<AdminAnswer> {
  const query = readQuery(parameters)
  if (typeof query === 'string') return { status: 400, body: { error: query } }
  const { limit, source, reason } = query
  const kept = await log.recent(source === null && reason === null ? limit : WHOLE_LOG)
  const wanted = kept.filter(
    (each) => (source === null || each.source === source) && (reason === null || each.reason === reason),
  )
  return { status: 200, body: { rejected: withBodies(wanted.slice(0, limit)) } }
}

function readQuery(
  parameters: URLSearchParams,
): { readonly limit: number; readonly source: string | null; readonly reason: string | null } | string {
  const known = ['limit', 'source', 'reason']
  if ([...parameters.keys()].some((name) => !known.includes(name)))
    return `Unknown parameter; known are ${known.join(', ')}`
  const text = parameters.get('limit') ?? String(DEFAULT_LIMIT)
  const limit = /^[1-9]\d{0,3}$/.test(text) ? Number(text) : Infinity
  if (limit > LARGEST_LIMIT) return `limit must be a whole number from 1 to ${LARGEST_LIMIT}`
  const reason = parameters.get('reason')
  if (reason !== null && !REASONS.some((each) => each === reason))
    return `reason must be one of ${REASONS.join(', ')}`
  return { limit, source: parameters.get('source'), reason }
}

/** The newest with their bodies, until those are too much. */
function withBodies(kept: readonly KeptRequest[]): readonly object[] {
  let leftBytes = MAX_BODY_BYTES
  return kept.map(({ body, ...rest }) => {
    leftBytes -= body.byteLength
    return { ...rest, ...(leftBytes < 0 ? { bodyOmitted: true } : bodyOf(body)) }
  })
}

/** The exact bytes: as text where that gives the same bytes again, or else in base64. */
function bodyOf(body: Uint8Array): { readonly body: string } | { readonly bodyBase64: string } {
  try {
    return { body: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body) }
  } catch {
    return { bodyBase64: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64') }
  }
}
