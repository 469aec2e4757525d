import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { AdminAnswer } from './admin-answer.ts'

export interface AccessRules {
  /** Whether the listener is bound to loopback. */
  readonly isLoopback: boolean
  /** Every request must carry it as a bearer token, where set. */
  readonly token?: string | undefined
}

/** The refusal for a request that may not come in; `undefined` for one that may. */
export function refusal(request: IncomingMessage, rules: AccessRules): AdminAnswer | undefined {
  if (rules.isLoopback && !isLoopbackName(request.headers.host)) {
    return { status: 403, body: { error: 'Host not allowed' } }
  }
  if (rules.token !== undefined && !carries(request.headers.authorization, rules.token)) {
    return { status: 401, body: { error: 'Token required' }, headers: { 'www-authenticate': 'Bearer' } }
  }
  return undefined
}

/**
 * The refusal for a request that would change something and may come from a page of somebody else's, which a browser sends
 * with the operator's reach. A page cannot send JSON elsewhere without asking first, and here nobody answers that question;
 * `Origin` and `Sec-Fetch-Site` are the browser's own word.
 */
export function crossSiteRefusal({ headers }: IncomingMessage): AdminAnswer | undefined {
  const { origin, host } = headers
  const site = headers['sec-fetch-site']
  const isOwn = origin === undefined || origin === `http://${host}` || origin === `https://${host}`
  const isDirect = site === undefined || site === 'same-origin' || site === 'none'
  if (!isOwn || !isDirect) return { status: 403, body: { error: 'Not from another site' } }
  const isJson = /^application\/json(?:$|;)/i.test(headers['content-type'] ?? '')
  return isJson ? undefined : { status: 415, body: { error: 'Content-Type must be application/json' } }
}

/**
 * A page whose name an attacker points at 127.0.0.1 is of the same origin as this listener and could read from it; its
 * requests still carry the page's own name as `Host`.
 */
function isLoopbackName(host: string | undefined): boolean {
  return (
    host !== undefined && /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d{1,5})?$/i.test(host)
  )
}

/** Digests have one length, so that neither the time nor an exception tells the token's. */
function carries(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? ''
  return timingSafeEqual(digest(given), digest(token))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest()
}
