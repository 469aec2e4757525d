import { REASONS, type KeptRequest, type RejectedLog, type RejectedQuery } from 'postern'
import type { AdminAnswer } from './admin-answer.ts'
import { readPage } from './page.ts'

/**
 * The requests that were refused, newest first, as they were kept: without secrets, and of one that was not authentic perhaps
 * only the beginning. In the form that `postern explain` reads. A page ends early where the bodies on it would be too much for one
 * answer; `next` goes on.
 */
export async function listRejected(
  parameters: URLSearchParams,
  log: Pick<RejectedLog, 'list'>,
): Promise<AdminAnswer> {
  const query = readQuery(parameters)
  if (typeof query === 'string') return { status: 400, body: { error: query } }
  const { requests, next } = await log.list(query)
  return { status: 200, body: { rejected: requests.map(withText), next } }
}

function readQuery(parameters: URLSearchParams): RejectedQuery | string {
  const page = readPage(parameters, ['source', 'reason'])
  if (typeof page === 'string') return page
  const reason = REASONS.find((each) => each === parameters.get('reason'))
  if (parameters.has('reason') && reason === undefined) return `reason must be one of ${REASONS.join(', ')}`
  const source = parameters.get('source')
  return { ...page, ...(source !== null && { source }), ...(reason !== undefined && { reason }) }
}

/** The exact bytes: as text where that gives the same bytes again, or else in base64. */
function withText({ body, ...rest }: KeptRequest): object {
  try {
    return { ...rest, body: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body) }
  } catch {
    const bodyBase64 = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64')
    return { ...rest, bodyBase64 }
  }
}
