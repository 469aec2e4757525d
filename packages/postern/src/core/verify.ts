import type { Authenticated } from './authenticate.ts'
import { refused, type CheckResult } from './check.ts'
import { readEvent, type ReadEvent } from './envelope.ts'
import type { Reason } from './reason.ts'
import {
  bodyOf,
  toWebhookRequest,
  type HeaderList,
  type RequestLike,
  type WebhookRequest,
} from './request.ts'
import type { Scheme } from './scheme.ts'
import type { KeyedScheme } from './method.ts'
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
  /** The exact bytes received; a secret that the sender had put into them reads `[redacted]`. */
  readonly body: Uint8Array
  /** The request's headers: names and values in turn, without one that was the secret. */
  readonly headers: HeaderList
}

/** A verification's result: a value, never a throw, so that no input can crash its receiver. */
export type Verdict =
  | {
      readonly ok: true
      readonly event: WebhookEvent
      /** Name of the scheme that passed; of several that had to, their names joined with `+`. */
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
 * A body that somebody has read or parsed before is `body_already_parsed`, one that breaks off `client_disconnected`.
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
  { now = Date.now }: { readonly now?: Clock } = {},
): Promise<Verdict> {
  const body = await bodyOf(request, source.maxBodyBytes)
  if (typeof body === 'string') return refused(body)
  // Of a Fetch request: `Headers` has joined doubled headers with ", " by now; strict decoding refuses those.
  const received = toWebhookRequest(request, body)
  const nowMs = now()
  const checked = await source.checkFirst?.(source, received, nowMs)
  const verdict = verifyRequest(received, source, nowMs, checked)
  if (!verdict.ok) return verdict
  const { scheme, secretIndex, read, request: kept } = verdict
  return {
    ok: true,
    scheme,
    secretIndex,
    event: {
      source: source.provider.name,
      id: read.id,
      type: read.type,
      created: read.createdMs === undefined ? undefined : new Date(read.createdMs),
      data: read.data,
      body: kept.body,
      headers: kept.headers,
    },
  }
}

/** The synchronous part of `verify`, for callers that hold the bytes already. */
export type VerifiedRequest =
  | {
      readonly ok: true
      readonly read: ReadEvent
      readonly scheme: string
      readonly secretIndex: number
      /** The request as it is to be kept: without secrets that its sender put into it. */
      readonly request: WebhookRequest
    }
  | { readonly ok: false; readonly reason: Reason }

/** Verifies a request and reads its event. What `checkFirst` of the source had to await has been `checked` before. */
export function verifyRequest(
  request: WebhookRequest,
  source: Source,
  nowMs: number,
  checked?: ReadonlyMap<Scheme, CheckResult>,
): VerifiedRequest {
  const authenticated = authenticate(request, source, nowMs, checked)
  if (!authenticated.ok) return authenticated
  // Read without its secrets, so that the body's digest outlives a rotation of them.
  const kept = withoutCarriedSecrets(source.schemes, request)
  const read = readEvent(source, kept)
  if (read === undefined) return refused('malformed_body')
  const { scheme, secretIndex } = authenticated
  return { ok: true, scheme, secretIndex, read, request: kept }
}

/** The request without the secrets that it carries. */
function withoutCarriedSecrets(schemes: readonly KeyedScheme[], request: WebhookRequest): WebhookRequest {
  return schemes.reduce((kept, { scheme, method }) => method.without?.(scheme, kept) ?? kept, request)
}

/** Whether a request is authentic, and by which scheme of its source. */
export function authenticate(
  request: WebhookRequest,
  source: Source,
  nowMs: number,
  checked?: ReadonlyMap<Scheme, CheckResult>,
): Authenticated {
  const { schemes, toleranceSeconds } = source
  return source.authenticate(schemes, request, { nowMs, toleranceSeconds }, checked)
}
