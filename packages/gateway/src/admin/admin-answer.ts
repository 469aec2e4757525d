import type { ServerResponse } from 'node:http'

/** What goes back to the operator. */
export interface AdminAnswer {
  readonly status: number
  /** Sent as JSON; a text is sent as it is, under the type that `headers` gives. */
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export const NOT_FOUND: AdminAnswer = { status: 404, body: { error: 'Not found' } }

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** Sends an answer, as JSON where it is no text, with the headers that keep a browser from making anything else of it. */
export function send(response: ServerResponse, { status, body, headers }: AdminAnswer): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  response
    .writeHead(status, {
      ...SECURITY_HEADERS,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(text)),
      ...headers,
    })
    .end(text)
}
