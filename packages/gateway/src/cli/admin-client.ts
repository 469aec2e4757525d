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
    const url = `${this.#origin}/api/events?${new URLSearchParams({ source, type, limit: '1' }).toString()}`
    try {
      const response = await fetch(url, {
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        ...(this.#token !== undefined && { headers: { authorization: `Bearer ${this.#token}` } }),
      })
      const parsed = v.safeParse(page, response.ok ? await response.json() : undefined)
      return parsed.success ? parsed.output.events[0] : 'unreachable'
    } catch {
      return 'unreachable'
    }
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
}
