import { parseHostPort } from '../../config/address.ts'
import { messageOf, orThrow } from '../../config/problem.ts'
import type { CliContext } from '../context.ts'
import { httpUrl } from '../listen-message.ts'

/** A gateway's admin API, as the operator's commands speak to it. */
export interface AdminClient {
  get(path: string): Promise<unknown>
  /** Does something. */
  post(path: string): Promise<unknown>
}

/** The gateway's answer that it will not or cannot. */
export class RefusedError extends Error {
  readonly status: number
  /** As JSON, where it was. */
  readonly body: unknown

  constructor(message: string, { status, body }: { readonly status: number; readonly body: unknown }) {
    super(message)
    this.name = 'RefusedError'
    this.status = status
    this.body = body
  }
}

const DEFAULT_ADDRESS = '127.0.0.1:3001'
const TIMEOUT_MS = 30_000

/** The gateway that `POSTERN_ADMIN` and `POSTERN_ADMIN_TOKEN` name. Every call rejects with what to do where it fails. */
export function adminClient({ env }: Pick<CliContext, 'env'>): AdminClient {
  const { host, port } = orThrow(
    parseHostPort(present(env['POSTERN_ADMIN']) ?? DEFAULT_ADDRESS, 'POSTERN_ADMIN'),
  )
  const origin = httpUrl(host, port)
  const token = present(env['POSTERN_ADMIN_TOKEN'])
  const call = async (method: 'GET' | 'POST', path: string): Promise<unknown> => {
    const response = await reach(origin, path, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      // The token is for this address alone.
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (response.status === 401)
      throw new Error(`${origin} wants a token: set POSTERN_ADMIN_TOKEN to the gateway's own`)
    const body: unknown = await response.json().catch(() => undefined)
    if (response.ok) return body
    const { status } = response
    throw new RefusedError(reasonIn(body) ?? `${origin} answered ${status}`, { status, body })
  }
  return { get: (path) => call('GET', path), post: (path) => call('POST', path) }
}

async function reach(origin: string, path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(`${origin}${path}`, init)
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    throw new Error(
      `no gateway answers at ${origin} (${messageOf(cause)}); start one with postern dev, or postern serve and POSTERN_ADMIN, and set the same POSTERN_ADMIN here`,
      { cause: error },
    )
  }
}

/** A sentence of the gateway's own. */
function reasonIn(body: unknown): string | undefined {
  const { error } = (body ?? {}) as { readonly error?: unknown }
  return typeof error === 'string' ? error : undefined
}

function present(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim()
}
