import type { HandshakeAnswer } from '../core/handshake.ts'
import type { Provider, Reason } from '../core/index.ts'
import type { RefusalReason } from '../inbox/index.ts'

/** What goes back to the sender. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The event is recorded. */
export const RECEIVED: Answer = json(200, { received: true })

/** It was recorded before. */
export const DUPLICATE: Answer = json(200, { received: true, duplicate: true })

/**
 * The one answer to whatever is not authentic or not fresh. The reason is for the operator: told to the sender, it
 * would help to forge.
 */
const NOT_AUTHENTIC_BODY = { error: 'Invalid signature' }
const NOT_AUTHENTIC = json(401, NOT_AUTHENTIC_BODY)

/** Our fault: several senders take a 4xx as final, and the event would be lost. */
const UNAVAILABLE = json(503, { error: 'Temporarily unavailable' }, { 'retry-after': '5' })

const BY_REASON: Readonly<Partial<Record<Reason | RefusalReason, Answer>>> = {
  body_too_large: json(413, { error: 'Body too large' }),
  malformed_body: json(400, { error: 'Malformed body' }),
  unknown_source: json(404, { error: 'Unknown source' }),
  no_secret: UNAVAILABLE,
  key_unavailable: UNAVAILABLE,
  body_already_parsed: UNAVAILABLE,
  overloaded: UNAVAILABLE,
  store_unavailable: UNAVAILABLE,
  stopping: UNAVAILABLE,
  in_progress: UNAVAILABLE,
  handler_failed: UNAVAILABLE,
  client_disconnected: UNAVAILABLE,
  internal_error: UNAVAILABLE,
}

/**
 * The answer for a refusal. The only place that decides its status. A provider's data can choose another 4xx for what
 * is not authentic, and nothing else: what is our fault stays a 503. A 405 names the methods that its source takes.
 */
export function answerTo(
  reason: Reason | RefusalReason,
  answers: Provider['answers'] = {},
  methods: readonly string[] = ['POST'],
): Answer {
  if (reason === 'method_not_allowed') return methodNotAllowed(methods)
  const answer = BY_REASON[reason]
  if (answer !== undefined) return answer
  return answers.notAuthentic === undefined ? NOT_AUTHENTIC : json(answers.notAuthentic, NOT_AUTHENTIC_BODY)
}

/** The answer that a handshake wants. An echo is plain text and nothing else: it is whatever its sender wrote. */
export function answerToHandshake(answer: HandshakeAnswer): Answer {
  if (answer.kind === 'json') return json(200, answer.json)
  if (answer.kind === 'visit') return RECEIVED
  if (answer.kind === 'empty') {
    const { status, headers } = answer
    // A 204 has no length (RFC 9110 §8.6).
    return { status, headers: status === 204 ? headers : { ...headers, 'content-length': '0' }, body: '' }
  }
  return {
    status: 200,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(Buffer.byteLength(answer.text)),
      'x-content-type-options': 'nosniff',
    },
    body: answer.text,
  }
}

function methodNotAllowed(methods: readonly string[]): Answer {
  return json(405, { error: 'Method not allowed' }, { allow: [...new Set(methods)].join(', ') })
}

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Answer {
  const text = JSON.stringify(body)
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(text)),
      ...headers,
    },
    body: text,
  }
}
