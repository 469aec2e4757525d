import type { IncomingMessage, ServerResponse } from 'node:http'

export interface Health {
  /** Whether requests should be sent here. */
  readonly isReady: () => Promise<boolean>
  readonly isDraining: () => boolean
}

/** Readiness is asked of the store at most this often: anybody may call it. */
const READY_FOR_MS = 1000

/** Answers `/healthz` and `/readyz`; says whether the request was for one of them. */
export function createHealth({
  isReady,
  isDraining,
}: Health): (request: IncomingMessage, response: ServerResponse, path: string) => boolean {
  const ready = remembered(isReady)
  return (request, response, path) => {
    if (path !== '/healthz' && path !== '/readyz') return false
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      sendJson(response, 405, { error: 'Method not allowed' }, { allow: 'GET, HEAD' })
      return true
    }
    if (path === '/healthz') sendJson(response, 200, { status: 'ok' })
    else if (isDraining()) sendJson(response, 503, { status: 'draining' })
    else void ready().then((is) => sendJson(response, is ? 200 : 503, { status: is ? 'ready' : 'not ready' }))
    return true
  }
}

function remembered(isReady: () => Promise<boolean>): () => Promise<boolean> {
  let asked: { readonly atMs: number; readonly answer: Promise<boolean> } | undefined
  return () => {
    const nowMs = performance.now()
    if (asked === undefined || nowMs - asked.atMs >= READY_FOR_MS) {
      asked = { atMs: nowMs, answer: isReady().catch(() => false) }
    }
    return asked.answer
  }
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.destroyed || response.headersSent) return
  const text = JSON.stringify(body)
  const length = String(Buffer.byteLength(text))
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers })
    .end(text)
}
