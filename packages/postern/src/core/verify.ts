import { check } from './check.ts'
import { readEvent, type ReadEvent } from './envelope.ts'
import { furthest, type Reason } from './reason.ts'
import {
  fromFetch,
  toWebhookRequest,
  type HeaderList,
  type RequestLike,
  type WebhookRequest,
} from './request.ts'
import type { EventMap, Source } from './source.ts'

/** The thing that happened, as handlers see it. */
export interface WebhookEvent<Type extends string = string, Data = unknown> {
  /** The configured source's name. */
  readonly source: string
  /** The provider's id, or `sha256:<hex>` of the body where it gives none. */
  readonly id: string
  readonly type: Type
  /** When it happened, as the provider says. */
  readonly created: Date | undefined
  readonly data: Data
  /** The exact bytes received. */
  readonly body: Uint8Array
  /** The request's headers: names and values in turn. */
  readonly headers: HeaderList
}

/** A verification's result: a value, never a throw, so that no input can crash its receiver. */
export type Verdict =
  | {
      readonly ok: true
      readonly event: WebhookEvent
      /** Name of the scheme that passed. */
      readonly scheme: string
      /** Index of the secret that matched, in the order given. */
      readonly secretIndex: number
    }
  | { readonly ok: false; readonly reason: Reason }

/** Milliseconds since the epoch; an argument so that tests set it. */
export type Clock = () => number

/**
 * Verifies one request against one source: no store, no state. Replays inside the tolerance are the caller's to refuse.
 *
 * Asynchronous because a Fetch body and, for some providers, a key have to be awaited; the check itself is synchronous.
 *
 * @example
 * const verdict = await verify(request, vastai({ secret }))
 * if (!verdict.ok) return new Response('{"error":"Invalid signature"}', { status: 401 })
 */
export async function verify<Events extends EventMap>(
  request: RequestLike | Request,
  source: Source<Events>,
  options: { readonly now?: Clock } = {},
): Promise<Verdict> {
  const received =
    'arrayBuffer' in request ? await fromFetch(request, source.maxBodyBytes) : toWebhookRequest(request)
  if (received === 'too_large' || received.body.byteLength > source.maxBodyBytes) {
    return { ok: false, reason: 'body_too_large' }
  }
  const verdict = verifyRequest(received, source, (options.now ?? Date.now)())
  if (!verdict.ok) return verdict
  const { id, type, createdMs, data } = verdict.read
  return {
    ok: true,
    scheme: verdict.scheme,
    secretIndex: verdict.secretIndex,
    event: {
      source: source.provider.name,
      id,
      type,
      created: createdMs === undefined ? undefined : new Date(createdMs),
      data,
      body: received.body,
      headers: received.headers,
    },
  }
}

/** The synchronous part of `verify`, for callers that hold the bytes already. */
export type VerifiedRequest =
  | { readonly ok: true; readonly read: ReadEvent; readonly scheme: string; readonly secretIndex: number }
  | { readonly ok: false; readonly reason: Reason }

/** Verifies with any of the source's schemes; of several failures, the one that got furthest is reported. */
export function verifyRequest(request: WebhookRequest, source: Source, nowMs: number): VerifiedRequest {
  const options = { nowMs, toleranceSeconds: source.toleranceSeconds }
  let reason: Reason = 'no_secret'
  for (const { scheme, keys } of source.schemes) {
    const result = check(scheme, keys, request, options)
    if (!result.ok) {
      reason = furthest([reason, result.reason])
      continue
    }
    const read = readEvent(source, request)
    if (read === undefined) return { ok: false, reason: 'malformed_body' }
    return { ok: true, read, scheme: scheme.name, secretIndex: result.secretIndex }
  }
  return { ok: false, reason }
}
