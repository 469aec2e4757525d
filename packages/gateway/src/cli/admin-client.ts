import { setTimeout as pause } from 'node:timers/promises'
import * as v from 'valibot'
import { parseHostPort } from '../config/address.ts'
import type { CliContext } from './context.ts'
import { httpUrl } from './listen-message.ts'
import { UsageError } from './usage-error.ts'

/** An event, as the admin API lists it. */
export interface ListedEvent {
  readonly eventSeq: number
  readonly id: string
  readonly type: string
  readonly verifiedBy: string
}

/** When a secret of a source last matched. */
export interface ListedSecret {
  readonly source: string
  /** From 1, newest first. */
  readonly position: number
  readonly lastMatched?: string | undefined
}

const secrets = v.object({
  secrets: v.array(
    v.object({ source: v.string(), position: v.number(), lastMatched: v.optional(v.string()) }),
  ),
})
const page = v.object({
  events: v.array(
    v.object({ eventSeq: v.number(), id: v.string(), type: v.string(), verifiedBy: v.string() }),
  ),
})

const DEFAULT_ADMIN = '127.0.0.1:3001'
const ANSWER_WITHIN_MS = 2000
const LOOK_EVERY_MS = 100

/**
 * Asks the running gateway's admin API what has arrived. Not its store: that is the same question for every store, and needs no
 * second opener of a file.
 */
export class AdminClient {
  readonly #origin: string
  readonly #token: string | undefined

  constructor({ env }: Pick<CliContext, 'env'>) {
    const parsed = parseHostPort((env['POSTERN_ADMIN'] ?? '').trim() || DEFAULT_ADMIN, 'POSTERN_ADMIN')
    if (!parsed.ok)
      throw new UsageError(parsed.problems.map(({ message }) => `POSTERN_ADMIN: ${message}`).join('; '))
    this.#origin = httpUrl(parsed.value.host, parsed.value.port)
    this.#token = (env['POSTERN_ADMIN_TOKEN'] ?? '').trim() || undefined
  }

  /** The newest event of a source and type; `'unreachable'` where nobody answers or lets us ask. */
  async newest(source: string, type: string): Promise<ListedEvent | undefined | 'unreachable'> {
    const query = new URLSearchParams({ source, type, limit: '1' }).toString()
    const listed = await this.#ask(`/api/events?${query}`, page)
    return listed === 'unreachable' ? listed : listed.events[0]
  }

  /** A secret of a source by its position; `undefined` where it is not there, or nobody says. */
  async secret(source: string, position: number): Promise<ListedSecret | undefined> {
    const listed = await this.#ask('/api/secrets', secrets)
    if (listed === 'unreachable') return undefined
    return listed.secrets.find((each) => each.source === source && each.position === position)
  }

  /** The first that comes after another one; `undefined` where none does in time. */
  async next(
    source: string,
    type: string,
    { after, withinMs }: { readonly after: number; readonly withinMs: number },
  ): Promise<ListedEvent | undefined> {
    const untilMs = performance.now() + withinMs
    for (;;) {
      const found = await this.newest(source, type)
      if (typeof found === 'object' && found.eventSeq > after) return found
      if (performance.now() >= untilMs) return undefined
      await pause(LOOK_EVERY_MS)
    }
  }

  async #ask<T>(path: string, schema: v.GenericSchema<unknown, T>): Promise<T | 'unreachable'> {
    try {
      const response = await fetch(this.#origin + path, {
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        ...(this.#token !== undefined && { headers: { authorization: `Bearer ${this.#token}` } }),
      })
      const checked = v.safeParse(schema, response.ok ? await response.json() : undefined)
      return checked.success ? checked.output : 'unreachable'
    } catch {
      return 'unreachable'
    }
  }
}
