import { setTimeout as pauseFor } from 'node:timers/promises'
import * as v from 'valibot'
import { messageOf } from '../config/problem.ts'
import { escapeUnprintable } from '../observe/escape.ts'

export interface ApiClientOptions {
  /** Requests go here and nowhere else: a redirect would take the key along. */
  readonly origin: string
  readonly key: string
  /** Waits between tries; rejects when the signal aborts. Tests do not wait. */
  readonly pause?: Pause
  /** In [0, 1); draws the jitter of the waits. */
  readonly random?: () => number
  /** Ends every request and wait. */
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

export type Pause = (ms: number, signal: AbortSignal | undefined) => Promise<void>

export interface ApiRequest {
  readonly method: 'DELETE' | 'GET' | 'POST' | 'PUT'
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export type ApiResult<T> = { readonly ok: true; readonly value: T } | ApiFailure

/** Why there is no answer that could be used. */
export interface ApiFailure {
  readonly ok: false
  readonly kind: 'rate_limited' | 'refused' | 'unauthorized' | 'unavailable' | 'unusable'
  readonly status: number | undefined
  /** For people; printable, short, and without the key. */
  readonly message: string
  /** Whether the request may have been carried out all the same. */
  readonly mayBeDone: boolean
}

/** What came back, before anybody looked at its form. */
export interface ApiAnswer {
  readonly text: string
  readonly json: unknown
}

const TIMEOUT_MS = 15_000
/** A page of 25 of Vast.ai's instances is some 100 KB. */
const LONGEST_ANSWER_BYTES = 4 * 1024 * 1024
const TRIES = 4
const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000
const SHOWN_LENGTH = 200

/**
 * Speaks JSON with one vendor's API. Bounded in every direction: one host, one deadline for the whole exchange, so many bytes
 * of an answer whatever its encoding, so many tries. Never rejects for what the other side does.
 *
 * What changes something is sent again only after a 429, which says that nothing was done.
 */
export class ApiClient {
  /** Private by `#`, so that no inspection of this object shows the key. */
  readonly #options: ApiClientOptions

  constructor(options: ApiClientOptions) {
    this.#options = options
  }

  /** Sends a request, and reads the answer in the form it must have. */
  async ask<T>(request: ApiRequest, schema: v.GenericSchema<unknown, T>): Promise<ApiResult<T>> {
    const answered = await this.askRaw(request)
    if (!answered.ok) return answered
    const checked = v.safeParse(schema, answered.value.json)
    if (checked.success) return { ok: true, value: checked.output }
    // Only where it is wrong: what stands there may be a secret.
    const where = v.getDotPath(checked.issues[0]) ?? 'the whole'
    return this.#failure(
      'unusable',
      200,
      `its answer is not of the documented form (at ${where})`,
      isChange(request),
    )
  }

  async askRaw(request: ApiRequest): Promise<ApiResult<ApiAnswer>> {
    for (let attempt = 1; ; attempt += 1) {
      const tried = await this.#try(request)
      const isWorthAnother =
        !tried.result.ok &&
        (tried.result.kind === 'rate_limited' || (tried.result.kind === 'unavailable' && !isChange(request)))
      if (!isWorthAnother || attempt === TRIES || this.#options.signal?.aborted === true) return tried.result
      if (!(await this.#wait(attempt, tried.retryAfterMs))) return tried.result
    }
  }

  async #try(
    request: ApiRequest,
  ): Promise<{ readonly result: ApiResult<ApiAnswer>; readonly retryAfterMs?: number }> {
    const { timeoutMs = TIMEOUT_MS, signal } = this.#options
    const deadline = AbortSignal.timeout(timeoutMs)
    try {
      const response = await this.#send(
        request,
        signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
      )
      const text = await readText(response)
      const retryAfterMs = retryAfter(response.headers.get('retry-after'))
      return {
        result: this.#judge(request, response.status, text),
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      }
    } catch (error) {
      const message = deadline.aborted ? `no answer within ${timeoutMs / 1000} s` : causeOf(error)
      return { result: this.#failure('unavailable', undefined, message, isChange(request)) }
    }
  }

  #send({ method, path, query, body }: ApiRequest, signal: AbortSignal): Promise<Response> {
    const url = new URL(path, this.#options.origin)
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value)
    return fetch(url, {
      method,
      redirect: 'manual',
      signal,
      headers: {
        authorization: `Bearer ${this.#options.key}`,
        accept: 'application/json',
        'accept-encoding': 'identity',
        'user-agent': 'postern',
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  }

  #judge(request: ApiRequest, status: number, text: string | undefined): ApiResult<ApiAnswer> {
    const change = isChange(request)
    if (status >= 300 && status < 400) {
      return this.#failure('unusable', status, 'it redirects elsewhere, which is not followed', false)
    }
    if (status >= 400) {
      const kind = kindOf(status)
      return this.#failure(kind, status, saidIn(text ?? ''), change && kind === 'unavailable')
    }
    if (text === undefined) {
      return this.#failure(
        'unusable',
        status,
        `its answer is longer than ${LONGEST_ANSWER_BYTES} bytes`,
        change,
      )
    }
    const json = parsed(text)
    if (json === undefined) return this.#failure('unusable', status, 'its answer is not JSON', change)
    return { ok: true, value: { text, json } }
  }

  #failure(
    kind: ApiFailure['kind'],
    status: number | undefined,
    said: string,
    mayBeDone: boolean,
  ): ApiFailure {
    const where = status === undefined ? '' : ` (${status})`
    // An API may tell us our own key; cut after that, or half of one would stay.
    const message = escapeUnprintable(said.replaceAll(this.#options.key, '[key]'), SHOWN_LENGTH)
    return {
      ok: false,
      kind,
      status,
      mayBeDone,
      message: `${KIND_TEXT[kind]}${where}${message && `: ${message}`}`,
    }
  }

  async #wait(attempt: number, retryAfterMs: number | undefined): Promise<boolean> {
    const { pause = pauseWith, random = Math.random, signal } = this.#options
    // Vast.ai says no Retry-After, and asks clients to back off by themselves.
    const ownMs = FIRST_WAIT_MS * 2 ** (attempt - 1) * (1 + random())
    try {
      await pause(Math.min(Math.max(ownMs, retryAfterMs ?? 0), LONGEST_WAIT_MS), signal)
      return true
    } catch {
      return false
    }
  }
}

const KIND_TEXT: Readonly<Record<ApiFailure['kind'], string>> = {
  rate_limited: 'too many requests for its API',
  refused: 'its API refused this',
  unauthorized: 'its API did not take the key',
  unavailable: 'its API is out of reach',
  unusable: 'its API gave no usable answer',
}

/** Waits in real time. */
export const pauseWith: Pause = async (ms, signal) => {
  await pauseFor(ms, undefined, { ...(signal !== undefined && { signal }) })
}

function isChange({ method }: ApiRequest): boolean {
  return method !== 'GET'
}

/** The body, or `undefined` where it is too long; counted as it comes, after any decompression. */
async function readText(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength
    // Leaving the loop ends the connection.
    if (length > LONGEST_ANSWER_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function kindOf(status: number): ApiFailure['kind'] {
  if (status === 401 || status === 403) return 'unauthorized'
  if (status === 429) return 'rate_limited'
  return status >= 500 ? 'unavailable' : 'refused'
}

/** What an error's body says, in the members that vendors put it in, or as it stands. */
function saidIn(text: string): string {
  const json = parsed(text)
  if (typeof json !== 'object' || json === null) return text.trim()
  const members = json as Readonly<Record<string, unknown>>
  return ['error', 'msg', 'message']
    .map((name) => members[name])
    .filter((value): value is string => typeof value === 'string' && value !== '')
    .join(': ')
}

/** Seconds, as every vendor here that sends it does; a date is not read. */
function retryAfter(value: string | null): number | undefined {
  return value !== null && /^\d{1,6}$/.test(value) ? Number(value) * 1000 : undefined
}

/** `fetch` says "fetch failed" and keeps the reason inside. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  const { code } = cause as { readonly code?: unknown }
  return typeof code === 'string' ? code : messageOf(cause)
}
